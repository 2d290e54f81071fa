import type { NextRequest, NextResponse } from "next/server.js";
import type { MaybePromise, ResolvedMiddlewareConfig, ResolvedSessionConfig } from "./config.js";
import type { Access } from "./keeper.js";
import type { CookieJar, CookieOptions, RequestScope } from "./request.js";
import { isDocument, isPrefetch } from "./request-kind.js";
import { pathBelow, returnTo } from "./return-to.js";
import { findNamed, findRule, splitLocale, strictest, type RouteRule, type Rules, type Verdict } from "./route.js";
import { isRefreshDue } from "./session.js";
import type { User } from "./types.js";

/** The app's own decision; undefined leaves it to the rules. */
export type MiddlewareHandler = (
  request: NextRequest,
  isAuthenticated: boolean,
  rule?: RouteRule,
) => MaybePromise<NextResponse | Response | undefined | void>;

/**
 * Makes the function for `middleware.ts` (`proxy.ts` since Next.js 16). Behind Caddy the rules are enforced there and every request passes; without
 * it they are enforced here, so that `next dev` works alone.
 */
export function createMiddleware<T extends User>(
  config: ResolvedSessionConfig<T>,
  rules: ResolvedMiddlewareConfig,
  access: (scope: RequestScope) => Promise<Access>,
) {
  return (customHandler?: MiddlewareHandler) =>
    async (request: NextRequest): Promise<NextResponse> => {
      const { NextResponse } = await import("next/server.js");
      const jar = requestJar(request);
      const current = await access({ headers: request.headers, cookies: jar, now: async () => Date.now() });
      const { keeper, mode } = current;
      if (mode === "caddy" && !customHandler && !rules.authorize) return NextResponse.next();
      const session = await current.session();
      const { type, rule } = judge(request.nextUrl, request.nextUrl.basePath, rules);
      const own = (await customHandler?.(request, session !== null, rule)) ?? (await rules.authorize?.(session !== null, request, rule));
      if (own) return own as NextResponse;
      if (mode !== "caddy") {
        if (session && type === "public") return deny(request, homeTarget(request, rules), 200);
        const refused = !session && !mayAct(request, rules);
        if (refused && type !== "auth") explainAction(request.nextUrl.pathname);
        if (refused || (!session && type === "auth")) return deny(request, loginTarget(request, rules), 401);
      }
      const response = NextResponse.next();
      const used = session && config.autoRefresh && !isPrefetch(request.headers);
      if (mode === "standalone" && used && isRefreshDue(session, config)) {
        await keeper.change(session, {});
        jar.writeTo(response);
      }
      return response;
    };
}

/** The session API. Caddy answers it before any rule. */
const API = /^\/api\/session(\/(all|others|list))?\/?$/;

/** Next.js's static files, and its tools in development. A login page without them has no scripts, so only a rule that names them counts. */
const OPEN = /^\/(_next\/(static\/|(webpack-)?hmr$)|__nextjs_(font\/[^/]+\.woff2|[^/]+)$)/;

/** What the rules say of a URL. The image optimizer's is decided by the path that it fetches from the app itself, where no middleware sees it. */
function judge({ pathname, searchParams }: Pick<URL, "pathname" | "searchParams">, basePath: string, rules: Rules): Verdict {
  const open: Verdict = { type: "hybrid" };
  if (API.test(pathname)) return open;
  if (OPEN.test(pathname)) return findNamed(pathname, rules) ?? open;
  const images = /^\/_next\/image\/?$/.test(pathname) ? searchParams.getAll("url").flatMap(ownURL) : [];
  const [first, ...others] = images.map((image) => judge(below(basePath, image), basePath, rules));
  return first ? strictest(first, ...others, findNamed(pathname, rules)) : findRule(pathname, rules);
}

/** The URL that a path means in the image optimizer, which takes what browsers take; nothing for another site's. */
function ownURL(path: string): URL[] {
  const origin = "https://session-guard.invalid";
  const url = /^\s*\//.test(path) && URL.canParse(path, origin) ? new URL(path, origin) : undefined;
  return url?.origin === origin ? [url] : [];
}

/** A URL as the rules read it, without Next.js's basePath. */
function below(basePath: string, { pathname, searchParams }: URL) {
  return { pathname: pathBelow(basePath, pathname) ?? pathname, searchParams };
}

/**
 * Whether an anonymous visitor may post the Server Action, if there is one. Next.js runs any action of the app at any path, so only what is there for
 * such visitors counts: a page that a rule makes public, and the login page.
 */
function mayAct({ headers, nextUrl: { pathname, basePath } }: NextRequest, rules: Rules): boolean {
  if (!headers.has("Next-Action")) return true;
  const { rule } = judge({ pathname, searchParams: new URLSearchParams() }, basePath, rules); // an image's address would say nothing of the action
  return rule?.type === "public" || findRule(pathname, { ...rules, routes: [], defaultType: "auth" }).type !== "auth";
}

function explainAction(pathname: string) {
  const caddy = "Caddy requires that too, unless the Caddyfile has `next_build`, or `actions` with this path and the others that are open, such as the login page";
  console.warn(`caddy-session-guard: a Server Action at ${pathname} needs a session. ${caddy}; here a handler of middleware() may answer NextResponse.next().`);
}

/** Sends a visitor elsewhere, in the protocol of whoever asks, as Caddy does. `status` is for a Server Action. */
async function deny({ headers, method, nextUrl }: NextRequest, target: URL, status: number): Promise<NextResponse> {
  const { NextResponse } = await import("next/server.js");
  const caching = { "Cache-Control": "private, no-store" };
  const plain = { ...caching, "Content-Type": "text/plain" };
  if (headers.has("Next-Action")) {
    // A redirect would have the browser repeat the action at the login page. The client puts the base path in front itself.
    const path = below(nextUrl.basePath, target).pathname + target.search + target.hash;
    return new NextResponse(null, { status, headers: { ...plain, "x-action-redirect": path.replaceAll(";", "%3B") } });
  }
  // A redirect would be kept as the target of the link.
  if (isPrefetch(headers)) return new NextResponse(null, { status: 204, headers: caching });
  // Next.js's client asks again by a navigation.
  if (!isDocument(headers)) return new NextResponse(null, { status: 401, headers: plain });
  // 303: a redirected POST must not be repeated at the login page.
  return NextResponse.redirect(target, { status: ["GET", "HEAD"].includes(method) ? 307 : 303, headers: caching });
}

/** Reads the request's cookies and keeps what is set for the answer. */
function requestJar(request: NextRequest): CookieJar & { writeTo(response: NextResponse): void } {
  const written = new Map<string, { value: string; options: CookieOptions }>();
  return {
    get: (name) => written.get(name) ?? request.cookies.get(name),
    set: (name, value, options) => written.set(name, { value, options }),
    writeTo(response) {
      for (const [name, { value, options }] of written) response.cookies.set(name, value, options);
    },
  };
}

function loginTarget(request: NextRequest, { loginPath, locales }: ResolvedMiddlewareConfig): URL {
  const { pathname, search, basePath } = request.nextUrl;
  const target = inApp(request, splitLocale(pathname, locales).locale + loginPath);
  // As it was asked for, but for its own return_to, or it would grow with each visit.
  const query = search.slice(1).split("&").filter((part) => part && !new URLSearchParams(part).has("return_to")).join("&");
  const wanted = returnTo(`${basePath}${pathname}?${query}`.replace(/\?$/, ""), "");
  if (wanted) target.searchParams.set("return_to", wanted);
  return target;
}

function homeTarget(request: NextRequest, rules: ResolvedMiddlewareConfig): URL {
  const { pathname, searchParams, basePath, origin } = request.nextUrl;
  const home = inApp(request, splitLocale(pathname, rules.locales).locale + rules.homePath);
  const asked = searchParams.getAll("return_to");
  const wanted = new URL(asked.length === 1 ? returnTo(asked[0], home.href) : home, origin);
  return judge(below(basePath, wanted), basePath, rules).type === "public" ? home : wanted;
}

/** A path of the app, below Next.js's basePath. */
function inApp(request: NextRequest, path: string): URL {
  return new URL(request.nextUrl.basePath + path, request.nextUrl.origin);
}
