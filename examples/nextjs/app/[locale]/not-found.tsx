import { getTranslations } from "next-intl/server";
import { Link } from "@/i18n/routing";

export default async function NotFound() {
  const t = await getTranslations("notFound");
  return (
    <section className="card narrow centered">
      <p className="numeral">404</p>
      <h1>{t("title")}</h1>
      <Link className="button" href="/">
        {t("home")}
      </Link>
    </section>
  );
}
