const MAX_LENGTH = 2048;

/**
 * The path to return to after a login, from a form field or a query parameter; `fallback` for anything but a path of this origin of at most
 * 2 KiB. What browsers would read as another site (`//evil`, `/\evil`, `/<TAB>/evil`, `https:evil`) is refused. The result is percent-encoded, so it
 * may go into a `Location` header.
 */
export function returnTo(value: unknown, fallback = "/"): string {
  if (typeof value !== "string" || value.length > MAX_LENGTH) return fallback;
  if (!/^\/(?!\/)/.test(value) || /^[^?#]*\\/.test(value) || /[\u0000-\u001f\u007f-\u009f]/.test(value)) return fallback;
  const base = "https://session-guard.invalid";
  if (!URL.canParse(value, base)) return fallback;
  const url = new URL(value, base);
  if (url.origin !== base || url.pathname.startsWith("//")) return fallback;
  const path = url.pathname + url.search + url.hash;
  return path.length > MAX_LENGTH ? fallback : path; // longer than the value where something had to be encoded
}
