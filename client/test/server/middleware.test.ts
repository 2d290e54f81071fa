import { NextRequest, NextResponse } from "next/server.js";
import { describe, expect, test, vi } from "vitest";
import { NextAuthSession, patterns, route, type NextAuthSessionConfig, type RouteRule } from "../../src/index.js";
import { session } from "./harness.js";

const rules: NextAuthSessionConfig["middleware"] = {
  routes: [route.public("/login"), route.public("/register"), route.auth(patterns.dashboard), route.hybrid("/")],
  homePath: "/dashboard",
  locales: ["en", "ar"],
};

interface Visit {
  signedIn?: boolean;
  caddy?: boolean;
  method?: string;
  sent?: Record<string, string>;
  basePath?: string;
  config?: NextAuthSessionConfig;
}

async function answer(path: string, { signedIn, caddy, method = "GET", sent = {}, basePath = "", config = { middleware: rules } }: Visit = {}) {
  const auth = NextAuthSession(config);
  const headers = new Headers({ Accept: "text/html", ...sent });
  if (caddy) headers.set("X-Session-Realm", "default");
  if (caddy && signedIn) headers.set("X-Session-Data", Buffer.from(JSON.stringify(session())).toString("base64url"));
  if (!caddy && signedIn) headers.set("Cookie", `session=${await auth.encryptSession(session())}`);
  return auth.middleware()(new NextRequest(`http://localhost:3000${basePath}${path}`, { method, headers, nextConfig: { basePath } }));
}

async function visit(path: string, options?: Visit) {
  const response = await answer(path, options);
  const location = response.headers.get("Location");
  return location ? `${response.status} ${location.replace("http://localhost:3000", "")}` : `${response.status}`;
}

describe("without Caddy the rules are enforced here", () => {
  test.each([
    ["/", false, "200"],
    ["/login", false, "200"],
    ["/nothing", false, "200"],
    ["/dashboard", false, "307 /login?return_to=%2Fdashboard"],
    ["/dashboard/a?b=c%26d", false, "307 /login?return_to=%2Fdashboard%2Fa%3Fb%3Dc%2526d"],
    ["/DASHBOARD", false, "307 /login?return_to=%2FDASHBOARD"],
    ["/%64ashboard", false, "307 /login?return_to=%2F%2564ashboard"],
    ["/ar/dashboard", false, "307 /ar/login?return_to=%2Far%2Fdashboard"],
    ["/AR/dashboard", false, "307 /ar/login?return_to=%2FAR%2Fdashboard"],
    ["/dashboard", true, "200"],
    ["/login", true, "307 /dashboard"],
    ["/ar/login", true, "307 /ar/dashboard"],
    ["/login?return_to=%2Fdashboard%2Fa%3Fb%3Dc", true, "307 /dashboard/a?b=c"],
    ["/login?return_to=%2Fregister", true, "307 /dashboard"],
    ["/login?return_to=%2F%2Fevil.example", true, "307 /dashboard"],
    ["/login?return_to=%2F%5Cevil.example", true, "307 /dashboard"],
    ["/login?return_to=%2Fa&return_to=%2Fb", true, "307 /dashboard"],
    ["/dashboard?a=b&return_to=%2Fdashboard%3Freturn_to%3Dx", false, "307 /login?return_to=%2Fdashboard%3Fa%3Db"],
    ["/dashboard?q=%E4", false, "307 /login?return_to=%2Fdashboard%3Fq%3D%25E4"],
    ["/dashboard?flag", false, "307 /login?return_to=%2Fdashboard%3Fflag"],
    ["/dashboard?a=%20b+c&&return%5Fto=%2Fx&Return_to=d", false, "307 /login?return_to=%2Fdashboard%3Fa%3D%2520b%2Bc%26Return_to%3Dd"],
    ["/dashboard?return_to=%2Fx", false, "307 /login?return_to=%2Fdashboard"],
    ["//dashboard", false, "307 /login"],
  ])("%s (signed in: %s): %s", async (path, signedIn, expected) => {
    expect(await visit(path, { signedIn })).toBe(expected);
  });

  test("a POST is not repeated at the login page", async () => {
    expect(await visit("/dashboard", { method: "POST" })).toBe("303 /login?return_to=%2Fdashboard");
  });

  test("by default every path is open, and home is the front page", async () => {
    const config = { middleware: { routes: [route.public("/login")] } };
    expect(await visit("/nothing", { config })).toBe("200");
    expect(await visit("/login", { config, signedIn: true })).toBe("307 /");
  });

  test("the login page is open under defaultType auth and under a wide auth pattern", async () => {
    expect(await visit("/login", { config: { middleware: { defaultType: "auth" } } })).toBe("200");
    expect(await visit("/login", { config: { middleware: { routes: [route.auth("/*")] } } })).toBe("200");
    expect(await visit("/", { config: { middleware: { defaultType: "auth" } } })).toBe("307 /login?return_to=%2F");
  });

  test("Next.js's files and tools and the session API are not decided, or the login page would have no scripts", async () => {
    for (const config of [{ middleware: { defaultType: "auth" } }, { middleware: { routes: [route.auth("/*"), route.auth(patterns.api)] } }] as NextAuthSessionConfig[]) {
      for (const path of [
        "/_next/static/chunks/a.js", "/_next/hmr", "/_next/webpack-hmr", "/__nextjs_original-stack-frames", "/__nextjs_font/geist.woff2",
        "/api/session", "/api/session/all", "/api/session/others", "/api/session/list",
      ]) {
        expect([path, await visit(path, { config })]).toEqual([path, "200"]);
      }
      for (const path of ["/_next/data/b/x.json", "/_NEXT/static/x", "/__nextjs_x/dashboard", "/__nextjs_font/dashboard", "/api/session/x", "/api/sessions", "/x/_next/static/a.js"]) {
        expect([path, await visit(path, { config })]).toEqual([path, expect.stringMatching(/^307 \/login/)]);
      }
    }
    const named = { middleware: { routes: [route.auth("/*"), route.auth("/_next/static/private/*")] } };
    expect(await visit("/_next/static/a.js", { config: named })).toBe("200");
    expect(await visit("/_next/static/private/a.js", { config: named })).toMatch(/^307/);
  });

  const action = { "Next-Action": "0".repeat(42), Accept: "text/x-component", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty" };

  test("a Server Action needs a session, but on the login page and on public pages: Next.js runs any action at any path", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const denied = await answer("/about;a?b=c", { method: "POST", sent: action });
    expect([denied.status, denied.headers.get("Content-Type"), denied.headers.get("x-action-redirect")]).toEqual([
      401,
      "text/plain",
      "/login?return_to=%2Fabout%253Ba%3Fb%3Dc",
    ]);
    expect(denied.headers.get("Cache-Control")).toBe("private, no-store");
    expect(warn.mock.lastCall?.[0]).toContain("/about;a needs a session");
    expect((await answer("/_next/static/a.js", { method: "POST", sent: action })).status).toBe(401);
    for (const path of ["/login", "/ar/login", "/register"]) expect([path, await visit(path, { method: "POST", sent: action })]).toEqual([path, "200"]);
    expect(await visit("/login", { method: "POST", sent: action, config: {} })).toBe("200");
    expect(await visit("/about", { method: "POST", sent: action, signedIn: true })).toBe("200");
    expect(await visit("/about", { method: "POST", sent: action, caddy: true })).toBe("200");
    const atHome = await answer("/login", { method: "POST", sent: action, signedIn: true });
    expect([atHome.status, atHome.headers.get("x-action-redirect")]).toEqual([200, "/dashboard"]);
  });

  test.each<[string, number, RouteRule[]]>([
    ["/en/a", 401, [route.hybrid("/en/*"), route.public("/a*")]],
    ["/ar/a", 200, [route.hybrid("/en/*"), route.public("/a*")]],
    ["/a", 401, [route.hybrid("/a"), route.public("/a*")]],
    ["/_next/image?url=%2Fa", 401, [route.public("/a")]],
    ["/_next/static/a.js", 401, [route.hybrid("/"), route.public("/*")]],
    ["/ar/login", 200, [route.hybrid("/login")]],
    ["/LOGIN", 401, []],
  ])("a Server Action is judged by all rules of its path: %s: %i", async (path, status, routes) => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const config = { middleware: { routes, locales: ["en", "ar"] } };
    expect((await answer(path, { method: "POST", sent: action, config })).status).toBe(status);
  });

  test("in production, too, the log says why a Server Action of an open page is denied", async () => {
    vi.stubEnv("NODE_ENV", "production");
    vi.spyOn(console, "error").mockImplementation(() => {});
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    expect((await answer("/about", { method: "POST", sent: action })).status).toBe(401);
    expect(warn.mock.lastCall?.[0]).toContain("/about needs a session");
  });

  test("Next.js's client puts the base path in front of an action's redirect, and nothing makes another site of it", async () => {
    const redirect = async (path: string, options: Visit) => {
      const response = await answer(path, { method: "POST", sent: action, basePath: "/base", ...options });
      return response.headers.get("x-action-redirect");
    };
    expect(await redirect("/dashboard", {})).toBe("/login?return_to=%2Fbase%2Fdashboard");
    expect(await redirect("/login?return_to=%2Fbase%2Fdashboard%2Fa", { signedIn: true })).toBe("/dashboard/a");
    expect(await redirect("/login?return_to=%2Fbase%2F%2Fevil.example", { signedIn: true })).toBe("/base//evil.example");
    expect(await redirect("/login?return_to=%2Fbase%2Fregister", { signedIn: true })).toBe("/dashboard");
    expect(await redirect("/login?return_to=%2Fbasement", { signedIn: true })).toBe("/basement");
  });

  test.each<[Record<string, string>, string]>([
    [{}, "307 /login?return_to=%2Fdashboard"],
    [{ "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe" }, "307 /login?return_to=%2Fdashboard"],
    [{ "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "empty" }, "307 /login?return_to=%2Fdashboard"], // by a Service Worker
    [{ "Sec-Fetch-Dest": "empty" }, "401"],
    [{ "Sec-Fetch-Mode": "cors" }, "401"],
    [{ "Sec-Fetch-Dest": "image" }, "401"],
    [{ Accept: "*/*" }, "401"],
    [{ RSC: "1" }, "401"],
    [{ RSC: "1", "Next-Router-Prefetch": "1" }, "204"],
    [{ "Next-Router-Segment-Prefetch": "/_tree" }, "204"],
    [{ "Sec-Purpose": "prefetch;prerender" }, "204"],
    [{ Purpose: "prefetch" }, "204"],
  ])("who asks is answered in its own protocol: %o: %s", async (sent, expected) => {
    expect(await visit("/dashboard", { sent })).toBe(expected);
    expect(await visit("/login", { sent, signedIn: true })).toBe(expected.replace(/ .*/, " /dashboard"));
    expect((await answer("/dashboard", { sent })).headers.get("Cache-Control")).toBe("private, no-store");
  });

  test.each([
    ["/_next/image?url=%2Fdashboard%2Fx.png&w=64", "307"],
    ["/_next/image?url=%2Fx.png&url=%2Fdashboard%2Fx.png", "307"],
    ["/_next/image?url=%20%2Fa%2F..%5Cdashboard%2Fx.png", "307"],
    ["/_next/image?url=%2F_next%2Fimage%3Furl%3D%252Fdashboard%252Fx.png", "307"],
    ["/_next/image?url=%2F_next%2Fstatic%2Fx.png", "200"],
    ["/_next/image?url=%2Fx.png", "200"],
    ["/_next/image?url=https%3A%2F%2Fcdn.example%2Fdashboard%2Fx.png", "200"],
    ["/_next/image?url=%2F%2Fcdn.example%2Fdashboard%2Fx.png", "200"],
    ["/image?url=%2Fdashboard%2Fx.png", "200"],
  ])("an image is decided by the path that the optimizer fetches from the app itself: %s: %s", async (path, expected) => {
    expect(await visit(path)).toMatch(expected);
    expect(await visit(path.replace("url=%2F", "url=%2Fbase%2F"), { basePath: "/base" })).toMatch(expected);
  });

  test("an image is not open where a rule names the optimizer", async () => {
    const config = { middleware: { routes: [route.auth("/_next/image"), route.hybrid("/")] } };
    expect(await visit("/_next/image?url=%2Fx.png", { config })).toMatch("307");
  });

  test("in production nobody is signed in", async () => {
    vi.stubEnv("NODE_ENV", "production");
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect(await visit("/dashboard", { signedIn: true })).toMatch(/^307 \/login/);
  });

  test("a session that is due is refreshed", async () => {
    const auth = NextAuthSession();
    const headers = { Cookie: `session=${await auth.encryptSession(session())}` };
    const response = await auth.middleware()(new NextRequest("http://localhost:3000/", { headers }));
    const cookie = response.cookies.get("session");
    expect((await auth.decryptSession(cookie?.value ?? ""))?.expiresAt).toBeGreaterThan(Date.now() + 6 * 24 * 3_600_000);
    expect(cookie).toMatchObject({ httpOnly: true, path: "/" });
    const inAdvance = { ...headers, Purpose: "prefetch" };
    expect((await auth.middleware()(new NextRequest("http://localhost:3000/", { headers: inAdvance }))).cookies.get("session")).toBeUndefined();
    const off = NextAuthSession({ session: { autoRefresh: false } });
    expect((await off.middleware()(new NextRequest("http://localhost:3000/", { headers }))).cookies.get("session")).toBeUndefined();
  });
});

test("behind Caddy every request passes: the rules are enforced there", async () => {
  const onValidate = () => Promise.reject(new Error("the database is down"));
  expect(await visit("/dashboard", { caddy: true, signedIn: true, config: { session: { onValidate } } })).toBe("200");
  expect(await visit("/dashboard", { caddy: true })).toBe("200");
  expect(await visit("/login", { caddy: true, signedIn: true })).toBe("200");
});

describe("the app's own decision", () => {
  const request = new NextRequest("http://localhost:3000/dashboard/a", { headers: { Accept: "text/html" } });

  test("customHandler is asked as (request, isAuthenticated, rule), authorize as (isAuthenticated, request, rule)", async () => {
    const handler = vi.fn();
    const authorize = vi.fn();
    await NextAuthSession({ middleware: { ...rules, authorize } }).middleware(handler)(request);
    expect(handler.mock.calls).toEqual([[request, false, route.auth("/dashboard/*")]]);
    expect(authorize.mock.calls).toEqual([[false, request, route.auth("/dashboard/*")]]);
  });

  test("they are told the rule that names a locale, behind Caddy, too", async () => {
    const rule = route.auth("/ar/admin/*");
    const handler = vi.fn();
    const auth = NextAuthSession({ middleware: { routes: [rule, route.hybrid("/")], locales: ["en", "ar"] } });
    for (const headers of [{}, { "X-Session-Realm": "default" }] as Record<string, string>[]) {
      await auth.middleware(handler)(new NextRequest("http://localhost:3000/ar/admin/users", { headers }));
      expect(handler.mock.lastCall?.slice(1)).toEqual([false, rule]);
    }
  });

  test("an answer replaces the rules, undefined leaves them in force", async () => {
    const teapot = new NextResponse("no", { status: 418 });
    expect((await NextAuthSession({ middleware: rules }).middleware(() => teapot)(request)).status).toBe(418);
    expect((await NextAuthSession({ middleware: { ...rules, authorize: async () => teapot } }).middleware()(request)).status).toBe(418);
    expect((await NextAuthSession({ middleware: rules }).middleware(() => undefined)(request)).status).toBe(307);
  });

  test.each([["/dashboard", ""], ["/login", "signed in"]])("undefined behind Caddy passes %s %s: Caddy has decided", async (path, signedIn) => {
    const data = signedIn && { "X-Session-Data": Buffer.from(JSON.stringify(session())).toString("base64url") };
    const headers = { Accept: "text/html", "X-Session-Realm": "default", ...(data || {}) };
    for (const auth of [NextAuthSession({ middleware: rules }), NextAuthSession({ middleware: { ...rules, authorize: () => undefined } })]) {
      const response = await auth.middleware(() => undefined)(new NextRequest(`http://localhost:3000${path}`, { headers }));
      expect([response.status, response.headers.get("x-middleware-next")]).toEqual([200, "1"]);
    }
  });

  test("it is asked behind Caddy, too", async () => {
    const handler = vi.fn();
    const headers = { "X-Session-Realm": "default", "X-Session-Data": Buffer.from(JSON.stringify(session())).toString("base64url") };
    await NextAuthSession().middleware(handler)(new NextRequest("http://localhost:3000/x", { headers }));
    expect(handler.mock.calls[0]?.slice(1)).toEqual([true, undefined]);
  });
});
