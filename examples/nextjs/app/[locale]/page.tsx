import { getTranslations, setRequestLocale } from "next-intl/server";
import { Link } from "@/i18n/routing";
import { getSession } from "@/lib/auth";

const steps = ["cookie", "rule", "app"] as const;

export default async function HomePage({ params }: { params: Promise<{ locale: string }> }) {
  setRequestLocale((await params).locale);
  const [t, session] = await Promise.all([getTranslations("home"), getSession()]);
  return (
    <>
      <section className="hero">
        <p className="eyebrow">{t("eyebrow")}</p>
        <h1>{session ? t("welcomeBack", { name: session.user.name }) : t("title")}</h1>
        <p className="lead">{t("lead")}</p>
        <p className="actions">
          <Link className="button" href="/dashboard">
            {t("open")}
          </Link>
          {!session && (
            <Link className="button quiet" href="/register">
              {t("register")}
            </Link>
          )}
        </p>
      </section>
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
