const site = "http://same-site.invalid";

/** The path if it stays on this site, else the fallback. */
export function returnTo(path: FormDataEntryValue | null, fallback: string): string {
  // Browsers read "//host", "/\host" and "/<tab>/host" as another site, and so does the URL parser.
  if (typeof path !== "string" || !path.startsWith("/") || !URL.canParse(path, site)) {
    return fallback;
  }
  const url = new URL(path, site);
  if (url.origin !== site || url.pathname.startsWith("//")) {
    return fallback;
  }
  return url.pathname + url.search + url.hash;
}
