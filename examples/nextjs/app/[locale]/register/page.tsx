import { getTranslations, setRequestLocale } from "next-intl/server";
import { Link } from "@/i18n/routing";
import { pageTitle } from "@/lib/metadata";
import { RegisterForm } from "./register-form";

export const generateMetadata = pageTitle("register");

export default async function RegisterPage({ params }: { params: Promise<{ locale: string }> }) {
  const { locale } = await params;
  setRequestLocale(locale);
  const t = await getTranslations("register");
  return (
    <section className="card narrow">
      <h1>{t("title")}</h1>
      <p className="muted">{t("intro")}</p>
      <RegisterForm locale={locale} />
      <p className="muted centered">
        {t("haveAccount")} <Link href="/login">{t("signIn")}</Link>
      </p>
    </section>
  );
}
