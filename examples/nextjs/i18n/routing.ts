import { hasLocale } from "next-intl";
import { createNavigation } from "next-intl/navigation";
import { defineRouting } from "next-intl/routing";

export const routing = defineRouting({
  locales: ["en", "ar"],
  defaultLocale: "en",
  localePrefix: "as-needed",
});

const { Link, getPathname } = createNavigation(routing);
export { Link };

/** The path of a page in a language. What is no language of this app, in a form that anybody may post, counts as the default. */
export function localPath(href: string, locale: unknown): string {
  return getPathname({ href, locale: hasLocale(routing.locales, locale) ? locale : routing.defaultLocale });
}

const LOCALE = new RegExp(`^/(${routing.locales.join("|")})(/|(?=[?#]|$))`);

/** The same page in another language. */
export function translatedPath(path: string, locale: string): string {
  return localPath(path.replace(LOCALE, "/"), locale);
}
