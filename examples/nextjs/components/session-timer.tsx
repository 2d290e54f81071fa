"use client";

import { useSession, useSessionExpiry } from "caddy-session-guard/client";
import { useLocale, useTranslations } from "next-intl";
import { useEffect } from "react";

/** Counts down to the end of the session. */
export function SessionTimer() {
  const t = useTranslations("timer");
  const locale = useLocale();
  const { session, refresh } = useSession();
  const { expiresIn, recalculate } = useSessionExpiry();

  useEffect(() => {
    const timer = setInterval(recalculate, 1000);
    return () => clearInterval(timer);
  }, [recalculate]);

  const lifetime = session ? session.expiresAt - (session.lastActivity ?? session.createdAt) : 0;
  const left = expiresIn === null || lifetime === 0 ? 1 : Math.min(expiresIn / lifetime, 1);
  return (
    <section className="card timer scripted" aria-labelledby="timer-title">
      <svg className="ring" viewBox="0 0 64 64" aria-hidden="true">
        <circle cx="32" cy="32" r="28" />
        <circle cx="32" cy="32" r="28" pathLength="1" strokeDasharray={`${left.toFixed(4)} 1`} />
      </svg>
      <div>
        <h2 id="timer-title">{t("title")}</h2>
        <p className="countdown" role="timer" dir="ltr" data-testid="session-timer">
          {expiresIn === null ? "–:––:––" : formatTime(expiresIn, locale)}
        </p>
        <p className="muted">{t("text")}</p>
      </div>
      <button className="button quiet" type="button" onClick={refresh}>
        {t("renew")}
      </button>
    </section>
  );
}

/** Hours, minutes and seconds, in the digits of the locale. */
function formatTime(milliseconds: number, locale: string): string {
  const seconds = Math.ceil(milliseconds / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts
    .map((part, index) => new Intl.NumberFormat(locale, { minimumIntegerDigits: index === 0 ? 1 : 2 }).format(part))
    .join(":");
}
