const MAX_LENGTH = 2048;

export interface ReturnToOptions {
  /**
   * Next.js's `basePath`, such as "/base", to be removed from the path. Next.js adds it again in `redirect()` of a page and of a Server Action that was
   * sent with JavaScript, and in `router.push()`. It does not in an action that was sent without JavaScript, in a Route Handler, and in
   * `NextResponse.redirect(new URL(…))`, so leave the option out there. Default: nothing is removed.
   */
  basePath?: string | undefined;
}

/**
 * The path to return to after a login, from a form field or a query parameter; `fallback` for anything but a path of this origin of at most
 * 2 KiB. What browsers would read as another site (`//evil`, `/\evil`, `/<TAB>/evil`, `https:evil`) is refused. The result is percent-encoded, so it
 * may go into a `Location` header and into `redirect()`. With `basePath`, a path outside of it is also refused. The fallback is returned unchanged, so write it without.
 */
export function returnTo(value: unknown, fallback = "/", { basePath = "" }: ReturnToOptions = {}): string {
  if (typeof value !== "string" || value.length > MAX_LENGTH) return fallback;
  if (!/^\/(?!\/)/.test(value) || /^[^?#]*\\/.test(value) || /[\u0000-\u001f\u007f-\u009f]/.test(value)) return fallback;
  const origin = "https://session-guard.invalid";
  if (!URL.canParse(value, origin)) return fallback;
  const url = new URL(value, origin);
  const pathname = pathBelow(basePath.replace(/\/$/, ""), url.pathname);
  if (url.origin !== origin || !pathname) return fallback;
  const path = (pathname + url.search + url.hash).replaceAll(";", "%3B"); // Next.js's client cuts the target of an action's redirect() at the first one
  return path.length > MAX_LENGTH ? fallback : path; // longer than the value where something had to be encoded
}

/** The path without the base path; undefined if it lies outside, or names another site without it, such as "/base//evil". */
export function pathBelow(basePath: string, path: string): string | undefined {
  if (path === basePath) return "/";
  return path.startsWith(`${basePath}/`) && path[basePath.length + 1] !== "/" ? path.slice(basePath.length) : undefined;
}
