"use client";

import { useSearchParams, useSelectedLayoutSegments } from "next/navigation";
import { Suspense } from "react";
import { routing, translatedPath } from "@/i18n/routing";

const names = { en: "English", ar: "العربية" } as const;

interface Props {
  locale: string;
  /** The path that the login page leads to. */
  wanted?: string | null;
}

/** The page in the other language. Whoever switches on the login page wants the next page in it, too. */
export function LocaleSwitch({ locale }: { locale: string }) {
  return (
    <Suspense fallback={<LocaleLink locale={locale} />}>
      <LocaleLinkOfRequest locale={locale} />
    </Suspense>
  );
}

function LocaleLinkOfRequest({ locale }: { locale: string }) {
  return <LocaleLink locale={locale} wanted={useSearchParams().get("return_to")} />;
}

// A plain link, not a client-side navigation: the language and direction of the document change.
function LocaleLink({ locale, wanted }: Props) {
  const segments = useSelectedLayoutSegments().filter((segment) => !segment.startsWith("("));
  const other = routing.locales.find((candidate) => candidate !== locale) ?? routing.defaultLocale;
  const prefix = other === routing.defaultLocale ? [] : [other];
  const query = wanted ? `?${new URLSearchParams({ return_to: translatedPath(wanted, other) })}` : "";
  return (
    <a href={"/" + [...prefix, ...segments].join("/") + query} lang={other} hrefLang={other}>
      {names[other]}
    </a>
  );
}
