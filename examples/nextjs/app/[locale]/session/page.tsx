import { getTranslations, setRequestLocale } from "next-intl/server";
import { Suspense } from "react";
import { localPath } from "@/i18n/routing";
import { pageTitle } from "@/lib/metadata";
import { SessionView } from "./session-view";

export const generateMetadata = pageTitle("session");

// No rule of the Caddyfile names this page, so everybody gets it. Its client component asks for a sign-in.
export default async function SessionPage({ params }: { params: Promise<{ locale: string }> }) {
  const { locale } = await params;
  setRequestLocale(locale);
  const t = await getTranslations("session");
  return (
    <section className="card medium">
      <h1>{t("title")}</h1>
      <p className="muted">{t("intro")}</p>
      <Suspense fallback={<p className="skeleton" />}>
        <SessionView path={localPath("/session", locale)} loginPath={localPath("/login", locale)} />
      </Suspense>
    </section>
  );
}
