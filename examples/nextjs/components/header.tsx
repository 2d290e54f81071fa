import { getLocale, getTranslations } from "next-intl/server";
import { Link } from "@/i18n/routing";
import { getSession } from "@/lib/auth";
import { LocaleSwitch } from "./locale-switch";
import { Logo } from "./logo";
import { SignOut } from "./sign-out";

export async function Header() {
  const [t, locale, session] = await Promise.all([getTranslations("header"), getLocale(), getSession()]);
  return (
    <header className="site-header">
      <Link className="brand" href="/">
        <Logo />
        {t("brand")}
      </Link>
      <nav aria-label={t("navigation")}>
        <LocaleSwitch locale={locale} />
        {session ? (
          <>
            <Link href="/dashboard">
              {t("dashboard")}
            </Link>
            <span className="who">
              <Avatar name={session.user.name} />
              <span className="who-name">{session.user.name}</span>
            </span>
            <SignOut locale={locale} label={t("signOut")} />
          </>
        ) : (
          <>
            <Link href="/register">{t("register")}</Link>
            <Link className="button small" href="/login">
              {t("signIn")}
            </Link>
          </>
        )}
      </nav>
    </header>
  );
}

function Avatar({ name }: { name: string }) {
  const initials = name
    .split(/\s+/)
    .slice(0, 2)
    .map((part) => Array.from(part)[0])
    .join("");
  return (
    <span className="avatar" aria-hidden="true">
      {initials}
    </span>
  );
}
