import { getTranslations } from "next-intl/server";
import { routing } from "@/i18n/routing";

// A path whose first segment is no language of this app: /nope. Next.js renders it beside the page of every request, so it must not
// set the request's language.
export default async function PathNotFound() {
  const t = await getTranslations({ locale: routing.defaultLocale, namespace: "notFound" });
  return (
    <html lang={routing.defaultLocale}>
      <body>
        <title>{t("title")}</title>
        <main>
          <section className="card narrow centered">
            <p className="numeral">404</p>
            <h1>{t("title")}</h1>
            <a className="button" href="/">
              {t("home")}
            </a>
          </section>
        </main>
      </body>
    </html>
  );
}
