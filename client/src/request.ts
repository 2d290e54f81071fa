import type { cookies, headers } from "next/headers.js";

/** The part of a cookie store that this package uses; that of `next/headers` and those of requests and answers have it. */
export interface CookieJar {
  get(name: string): { value: string } | undefined;
  set(name: string, value: string, options: CookieOptions): unknown;
}

export interface CookieOptions {
  httpOnly: boolean;
  path: string;
  sameSite: "strict" | "lax" | "none";
  secure: boolean;
  /** Seconds; 0 deletes the cookie. Without it the cookie ends with the browser. */
  maxAge?: number;
}

/** The request that is being answered. */
export interface RequestScope {
  headers: Pick<Headers, "get">;
  cookies: CookieJar;
  /** The time, which a page with cacheComponents may read only while it answers a request. */
  now(): Promise<number>;
}

/** Next.js's own request. Throws one sentence where there is none; `caller` names the function that needs it. */
export async function currentRequest(caller: string): Promise<RequestScope> {
  if (typeof window !== "undefined") {
    throw new Error(`${caller} runs on the server: in the browser use useSession() of "caddy-session-guard/client".`);
  }
  // Imported here, so that a configuration module may be imported by client components for its clientConfig.
  const next: { headers: typeof headers; cookies: typeof cookies } = await import("next/headers.js");
  const scope = async () => ({ headers: await next.headers(), cookies: (await next.cookies()) as unknown as CookieJar, now });
  return scope().catch((reason: unknown) => explainMissingRequest(reason, caller));
}

async function now(): Promise<number> {
  const { connection }: { connection?: () => Promise<void> } = await import("next/server.js"); // Next.js 14 has none
  try {
    await connection?.();
  } catch (reason) {
    if (!isMissingRequest(reason)) throw reason;
    // An app's test has given us headers and cookies of its own: no page is rendered that could wait.
  }
  return Date.now();
}

/** Rewords one error of Next.js. All else passes unchanged: Next.js signals through headers() what is dynamic and what is prerendered. */
function explainMissingRequest(reason: unknown, caller: string): never {
  if (isMissingRequest(reason)) {
    throw new Error(`${caller} needs a request: call it in a Server Component, a Server Action or a Route Handler. In the Pages Router, read the header x-session-data of the request.`, { cause: reason });
  }
  throw reason;
}

function isMissingRequest(reason: unknown): boolean {
  return reason instanceof Error && reason.message.includes("outside a request scope");
}
