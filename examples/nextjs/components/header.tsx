import { getTranslations } from "next-intl/server";
import { Suspense } from "react";
import { Link } from "@/i18n/routing";
import { Account } from "./account";
import { LocaleSwitch } from "./locale-switch";
import { Logo } from "./logo";

export async function Header({ locale }: { locale: string }) {
  const t = await getTranslations("header");
  return (
    <header className="site-header">
      <Link className="brand" href="/">
        <Logo />
        {t("brand")}
      </Link>
      <nav aria-label={t("navigation")}>
        <LocaleSwitch locale={locale} />
        <Suspense fallback={<span className="account-placeholder" />}>
          <Account locale={locale} />
        </Suspense>
      </nav>
    </header>
  );
}
