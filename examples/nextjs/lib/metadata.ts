import type { Metadata } from "next";
import { getTranslations } from "next-intl/server";

/** Makes a page's generateMetadata: its title in the language of the path. */
export function pageTitle(namespace: "admin" | "dashboard" | "login" | "profile" | "register" | "session") {
  return async ({ params }: { params: Promise<{ locale: string }> }): Promise<Metadata> => {
    const { locale } = await params;
    return { title: (await getTranslations({ locale, namespace }))("title") };
  };
}
