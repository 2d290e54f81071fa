"use client";

import { useSession, useSessionExpiry } from "caddy-session-guard/client";
import { useTranslations } from "next-intl";

/** Offers to stay, in the last hour of a session that nobody uses. Whoever works on is refreshed without being asked. */
export function ExpiringSoon() {
  const t = useTranslations("expiringSoon");
  const { refresh } = useSession();
  const { isExpiringSoon, expiresIn } = useSessionExpiry();
  return (
    <div role="status">
      {isExpiringSoon && expiresIn !== 0 && (
        <p className="banner" data-testid="expiring-soon">
          {t("text")}
          <button className="button small" type="button" onClick={refresh}>
            {t("stay")}
          </button>
        </p>
      )}
    </div>
  );
}
