import type { Metadata } from "next";
import { getTranslations, setRequestLocale } from "next-intl/server";
import { Link } from "@/i18n/routing";
import { demoPassword, demoUsers } from "@/lib/users";
import { LoginForm } from "./login-form";

interface Props {
  params: Promise<{ locale: string }>;
  searchParams: Promise<{ return_to?: string | string[] }>;
}

export async function generateMetadata(): Promise<Metadata> {
  return { title: (await getTranslations("login"))("title") };
}

export default async function LoginPage({ params, searchParams }: Props) {
  const { locale } = await params;
  setRequestLocale(locale);
  const t = await getTranslations("login");
  const wanted = (await searchParams).return_to;
  return (
    <section className="card narrow">
      <h1>{t("title")}</h1>
      {wanted ? <p className="notice">{t("wanted")}</p> : <p className="muted">{t("intro")}</p>}
      <LoginForm locale={locale} returnTo={typeof wanted === "string" ? wanted : undefined} />
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
        {t("noAccount")} <Link href="/register">{t("register")}</Link>
      </p>
    </section>
  );
}
