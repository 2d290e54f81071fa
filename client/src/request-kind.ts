// How a request is asked, by the signs that Caddy goes by. Next.js keeps RSC and its prefetch headers from middleware, unless
// `skipMiddlewareUrlNormalize` is set, so a navigation of its client mostly looks like any fetch, which Caddy answers alike.

/** Whether a browser or Next.js's client asks in advance. */
export function isPrefetch(headers: Headers): boolean {
  const purposes = ["Sec-Purpose", "Purpose"].flatMap((name) => (headers.get(name) ?? "").split(","));
  const next = headers.has("Next-Router-Prefetch") || headers.has("Next-Router-Segment-Prefetch");
  return next || purposes.some((purpose) => /^\s*prefetch\s*(;|$)/i.test(purpose));
}

/** What a browser loads as a page. */
const PAGES = ["document", "iframe", "frame", "embed", "object", "fencedframe"];

/** Whether a browser navigates, rather than a script that asks, or a page that loads a part of itself. */
export function isDocument(headers: Headers): boolean {
  const mode = headers.get("Sec-Fetch-Mode") || "";
  const destination = headers.get("Sec-Fetch-Dest") || "document";
  // A navigation that a Service Worker passes on is for nothing in particular; no script can say that it navigates.
  const navigates = mode === "navigate" ? [...PAGES, "empty"].includes(destination) : !mode && PAGES.includes(destination);
  return navigates && headers.get("RSC") !== "1" && /text\/html/i.test(headers.get("Accept") ?? "");
}
