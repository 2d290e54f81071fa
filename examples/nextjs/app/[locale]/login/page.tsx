import { getTranslations, setRequestLocale } from "next-intl/server";
import { Suspense } from "react";
import { EntryLink } from "@/components/entry-link";
import { pageTitle } from "@/lib/metadata";
import { demoPassword, demoUsers } from "@/lib/users";
import { LoginForm } from "./login-form";

interface Props {
  params: Promise<{ locale: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export const generateMetadata = pageTitle("login");

export default async function LoginPage({ params, searchParams }: Props) {
  const { locale } = await params;
  setRequestLocale(locale);
  const t = await getTranslations("login");
  return (
    <section className="card narrow">
      <h1>{t("title")}</h1>
      <Suspense fallback={<div className="skeleton tall" />}>
        <LoginFormOf locale={locale} searchParams={searchParams} />
      </Suspense>
      <aside className="demo">
        <h2>{t("demoTitle")}</h2>
        <dl>
          {demoUsers.map((user) => (
            <div key={user.id}>
              <dt>{t(`role.${user.role}`)}</dt>
              <dd>
                <code dir="ltr">{user.email}</code>
              </dd>
            </div>
          ))}
          <div>
            <dt>{t("password")}</dt>
            <dd>
              <code dir="ltr">{demoPassword}</code>
            </dd>
          </div>
        </dl>
      </aside>
      <p className="muted centered">
        {t("noAccount")} <EntryLink href="/register">{t("register")}</EntryLink>
      </p>
    </section>
  );
}

/** The form of this request: Caddy put the wanted path into `return_to`, /api/sign-in what went wrong into `error`. */
async function LoginFormOf({ locale, searchParams }: { locale: string; searchParams: Props["searchParams"] }) {
  const { return_to: returnTo, error } = await searchParams;
  return <LoginForm locale={locale} returnTo={typeof returnTo === "string" ? returnTo : undefined} failed={error === "wrongPassword"} />;
}
