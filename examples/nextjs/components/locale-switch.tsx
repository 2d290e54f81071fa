"use client";

import { useSelectedLayoutSegments } from "next/navigation";
import { routing } from "@/i18n/routing";

const names = { en: "English", ar: "العربية" } as const;

// A plain link, not a client-side navigation: the language and direction of the document change.
export function LocaleSwitch({ locale }: { locale: string }) {
  const segments = useSelectedLayoutSegments().filter((segment) => !segment.startsWith("("));
  const other = routing.locales.find((candidate) => candidate !== locale) ?? routing.defaultLocale;
  const prefix = other === routing.defaultLocale ? [] : [other];
  return (
    <a href={"/" + [...prefix, ...segments].join("/")} lang={other} hrefLang={other}>
      {names[other]}
    </a>
  );
}
