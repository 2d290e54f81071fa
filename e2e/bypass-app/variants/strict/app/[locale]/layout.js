// The locale is one of these two; every other first segment is a 404.
export const dynamicParams = false;

export function generateStaticParams() {
  return [{ locale: "en" }, { locale: "ar" }];
}

export default function LocaleLayout({ children }) {
  return children;
}
