import { getTranslations, setRequestLocale } from "next-intl/server";
import { Devices } from "@/components/devices";
import { getSession } from "@/lib/auth";
import { pageTitle } from "@/lib/metadata";
import { ProfileForm } from "./profile-form";
import { StatusForm } from "./status-form";

interface Props {
  params: Promise<{ locale: string }>;
  searchParams: Promise<{ saved?: string }>;
}

export const generateMetadata = pageTitle("profile");

export default async function ProfilePage({ params, searchParams }: Props) {
  const { locale } = await params;
  setRequestLocale(locale);
  const [t, devices, session, { saved }] = await Promise.all([
    getTranslations("profile"),
    getTranslations("devices"),
    getSession(),
    searchParams,
  ]);
  if (!session) {
    return null; // the guard lets nobody in without a session; see Caddyfile
  }
  return (
    <>
      <section className="card">
        <h1>{t("title")}</h1>
        <p className="muted">{t("intro")}</p>
        {saved && (
          <p className="notice" role="status">
            {t("saved")}
          </p>
        )}
        <ProfileForm locale={locale} name={session.user.name} />
      </section>
      <section className="card scripted">
        <h2>{t("statusTitle")}</h2>
        <p className="muted">{t("statusIntro")}</p>
        <StatusForm />
      </section>
      <section className="card scripted">
        <h2>{devices("title")}</h2>
        <p className="muted">{devices("intro")}</p>
        <Devices />
      </section>
    </>
  );
}
