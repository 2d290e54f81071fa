"use client";

import { useSession } from "caddy-session-guard/client";
import { useTranslations } from "next-intl";
import { Link } from "@/i18n/routing";
import type { AppUser } from "@/lib/auth";
import { EntryLink } from "./entry-link";
import { UserMenu } from "./user-menu";

/** The end of the header: who is signed in, or where to sign in. */
export function Account({ locale }: { locale: string }) {
  const t = useTranslations("header");
  const { session, status } = useSession<AppUser>();
  if (status === "loading") {
    return <span className="account-placeholder" />;
  }
  if (!session) {
    return (
      <span className="account" data-testid="signed-out">
        <EntryLink href="/register">{t("register")}</EntryLink>
        <EntryLink className="button small" href="/login">
          {t("signIn")}
        </EntryLink>
      </span>
    );
  }
  return (
    <span className="account">
      <Link className="wide-only" href="/dashboard">
        {t("dashboard")}
      </Link>
      <UserMenu user={session.user} locale={locale} />
    </span>
  );
}
