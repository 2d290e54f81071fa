import type { NextRequest, NextResponse } from "next/server.js";
import type { ResolvedMiddlewareConfig, ResolvedSessionConfig } from "./config.js";
import type { Access } from "./factory.js";
import type { CookieJar, CookieOptions, RequestScope } from "./request.js";
import { returnTo } from "./return-to.js";
import { findRule, splitLocale, type RouteRule } from "./route.js";
import { isRefreshDue } from "./session.js";
import type { User } from "./types.js";

type MaybePromise<T> = T | Promise<T>;

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
      const { type, rule } = findRule(request.nextUrl.pathname, rules);
      const decides = !(OPEN.test(request.nextUrl.pathname) && !rule?.pattern.startsWith("/_next"));
      const own = (await customHandler?.(request, session !== null, rule)) ?? (await rules.authorize?.(session !== null, request, rule));
      if (own) return own as NextResponse;
      if (mode !== "caddy" && decides) {
        const target = session ? (type === "public" ? homeTarget(request, rules) : null) : type === "auth" ? loginTarget(request, rules) : null;
        // 303: a redirected POST must not be repeated at the login page.
        if (target) return NextResponse.redirect(target, ["GET", "HEAD"].includes(request.method) ? 307 : 303);
      }
      const response = NextResponse.next();
      if (mode === "standalone" && session && config.autoRefresh && isRefreshDue(session, config.sessionExpiry, config.refreshThreshold)) {
        await keeper.change(session, {});
        jar.writeTo(response);
      }
      return response;
    };
}

/**
 * What Caddy does not decide either: Next.js's static files, its tools in development, and the session API. A login page without them has no scripts.
 */
const OPEN = /^\/(_next\/(static\/|(webpack-)?hmr$)|__nextjs_(font\/)?[^/]+$|api\/session(\/(all|others|list))?\/?$)/;

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
  target.searchParams.set("return_to", basePath + pathname + search);
  return target;
}

function homeTarget(request: NextRequest, rules: ResolvedMiddlewareConfig): URL {
  const { pathname, searchParams, basePath } = request.nextUrl;
  const home = splitLocale(pathname, rules.locales).locale + rules.homePath;
  const wanted = new URL(returnTo(searchParams.get("return_to"), basePath + home), request.nextUrl.origin);
  const inside = wanted.pathname.startsWith(basePath) ? wanted.pathname.slice(basePath.length) || "/" : wanted.pathname;
  return findRule(inside, rules).type === "public" ? inApp(request, home) : wanted;
}

/** A path of the app, below Next.js's basePath. */
function inApp(request: NextRequest, path: string): URL {
  return new URL(request.nextUrl.basePath + path, request.nextUrl.origin);
}
