import { getTranslations, setRequestLocale } from "next-intl/server";
import { Suspense } from "react";
import { Link } from "@/i18n/routing";
import { getSession } from "@/lib/auth";

const steps = ["cookie", "rule", "app"] as const;

const caddyfile = `session_api

session_guard {
	public /login /register
	auth   /dashboard/*
	hybrid /
}

reverse_proxy 127.0.0.1:3000`;

export default async function HomePage({ params }: { params: Promise<{ locale: string }> }) {
  setRequestLocale((await params).locale);
  const t = await getTranslations("home");
  return (
    <>
      <div className="hero">
        <section>
          <p className="eyebrow">{t("eyebrow")}</p>
          <Suspense fallback={<h1>{t("title")}</h1>}>
            <Title />
          </Suspense>
          <p className="lead">{t("lead")}</p>
          <p className="actions">
            <Link className="button" href="/dashboard">
              {t("open")}
            </Link>
            <Suspense>
              <RegisterLink />
            </Suspense>
          </p>
        </section>
        <figure className="code" dir="ltr">
          <figcaption>Caddyfile</figcaption>
          <pre>
            <code>{caddyfile}</code>
          </pre>
        </figure>
      </div>
      <ol className="steps">
        {steps.map((step) => (
          <li key={step} className="card">
            <h2>{t(`${step}.title`)}</h2>
            <p>{t(`${step}.text`)}</p>
          </li>
        ))}
      </ol>
    </>
  );
}

async function Title() {
  const [t, session] = await Promise.all([getTranslations("home"), getSession()]);
  return <h1>{session ? t("welcomeBack", { name: session.user.name }) : t("title")}</h1>;
}

async function RegisterLink() {
  const [t, session] = await Promise.all([getTranslations("home"), getSession()]);
  return session ? null : (
    <Link className="button quiet" href="/register">
      {t("register")}
    </Link>
  );
}
