import { getTranslations, setRequestLocale } from "next-intl/server";
import { Suspense } from "react";
import { EntryLink } from "@/components/entry-link";
import { pageTitle } from "@/lib/metadata";
import { RegisterForm } from "./register-form";

interface Props {
  params: Promise<{ locale: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export const generateMetadata = pageTitle("register");

export default async function RegisterPage({ params, searchParams }: Props) {
  const { locale } = await params;
  setRequestLocale(locale);
  const t = await getTranslations("register");
  return (
    <section className="card narrow">
      <h1>{t("title")}</h1>
      <p className="muted">{t("intro")}</p>
      <Suspense fallback={<div className="skeleton tall" />}>
        <RegisterFormOf locale={locale} searchParams={searchParams} />
      </Suspense>
      <p className="muted centered">
        {t("haveAccount")} <EntryLink href="/login">{t("signIn")}</EntryLink>
      </p>
    </section>
  );
}

async function RegisterFormOf({ locale, searchParams }: { locale: string; searchParams: Props["searchParams"] }) {
  const { return_to: returnTo } = await searchParams;
  return <RegisterForm locale={locale} returnTo={typeof returnTo === "string" ? returnTo : undefined} />;
}
