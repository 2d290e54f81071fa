"use client";

import { useRequireAuth, useSession } from "caddy-session-guard/client";
import { useTranslations } from "next-intl";
import type { AppUser } from "@/lib/auth";

export function SessionView({ path, loginPath }: { path: string; loginPath: string }) {
  const t = useTranslations("session");
  const { isAuthenticated } = useRequireAuth(loginPath);
  const { session, status, refresh } = useSession<AppUser>();
  if (!isAuthenticated) {
    return (
      <>
        <p className="scripted">{t("wait")}</p> {/* on the way to the login page */}
        <noscript>
          <p>
            {t("signedOut")} <a href={`${loginPath}?return_to=${encodeURIComponent(path)}`}>{t("signIn")}</a>
          </p>
        </noscript>
      </>
    );
  }
  return (
    <>
      <p>
        {t("status")} <code data-testid="session-status">{status}</code>
      </p>
      <figure className="code" dir="ltr">
        <figcaption>useSession().session</figcaption>
        <pre tabIndex={0} data-testid="session-json">
          {JSON.stringify(session, null, 2)}
        </pre>
      </figure>
      <button className="button quiet scripted" type="button" onClick={refresh}>
        {t("refresh")}
      </button>
    </>
  );
}
