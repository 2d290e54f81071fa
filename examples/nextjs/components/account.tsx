"use client";

import { useSession } from "caddy-session-guard/client";
import { useTranslations } from "next-intl";
import { Link } from "@/i18n/routing";
import type { AppUser } from "@/lib/auth";
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
        <Link href="/register">{t("register")}</Link>
        <Link className="button small" href="/login">
          {t("signIn")}
        </Link>
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
