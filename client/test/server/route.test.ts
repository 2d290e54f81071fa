import { describe, expect, test } from "vitest";
import { findRule, patterns, route, type RouteRule, type RouteType } from "../../src/route.js";

const matches = (pattern: string, path: string) =>
  findRule(path, { routes: [route.auth(pattern)], defaultType: "hybrid", loginPath: "/sign-in", locales: ["en", "pt-BR"] }).rule !== undefined;

test.each([
  ["/login", "/login", true],
  ["/login", "/login/", true],
  ["/login", "/Login", true],
  ["/login", "/login/x", false],
  ["/login", "/en/login", true],
  ["/login", "/PT-br/login", true],
  ["/login", "/fr/login", false],
  ["/dashboard/*", "/dashboard", true],
  ["/dashboard/*", "/dashboard/a/b", true],
  ["/dashboard/*", "/dashboards", false],
  ["/dashboard/*", "/%64ashboard", true],
  ["/dashboard/*", "//dashboard", true],
  ["/blog*", "/blog", true],
  ["/blog*", "/blog/post", true],
  ["/blog*", "/blogs", true],
  ["/blog*", "/blo", false],
  ["/orgs/*/settings", "/orgs/a/settings", true],
  ["/orgs/*/settings", "/orgs/a/b/settings", false],
  ["/orgs/*/settings", "/orgs/settings", false],
  ["*", "/anything/at/all", true],
  ["/*", "/", true],
  ["/", "/", true],
  ["/", "/en", true],
  ["/", "/x", false],
  ["/a.b", "/axb", false],
  ["dashboard", "/dashboard/a", true],
  ["admin", "/admin/a", true],
  ["settings", "/settings/a", true],
  ["profile", "/profile/a", true],
  ["/a+b", "/a+b", true],
  ["/a+b", "/aab", false],
  ["/a/(.)b", "/a/(.)b", true],
  ["/$a", "/$a", true],
  ["/a|b", "/b", false],
  ["/a^b", "/a^b", true],
  ["/dashboard/*", "/dashboard/%0a", true],
  ["/dashboard/*", "/dashboard/a%0Db/c", true],
  ["/dashboard/*", "/dashboard/%E2%80%A8", true],
  ["/admin*", "/admin%0a", true],
  ["/orgs/*/settings", "/orgs/%0a/settings", true],
  ["/dashboard/*/", "/dashboard", true],
  ["/dashboard/*/", "/dashboard/a/b", true],
  ["/dashboard/*/", "/dashboards", false],
  ["/*/", "/", true],
  ["/*/", "/a/b", true],
  ["/blog*/", "/blogs/a", true],
  ["/%2a", "/", true],
  ["/%2A", "/a/b", true],
  ["/a/%2a/", "/a/b/c", true],
  ["/orgs/%2a/settings", "/orgs/a/settings", true],
  ["/a%2fb", "/a/b", true],
])("%s and %s: %s", (pattern, path, expected) => {
  expect(matches(pattern, path)).toBe(expected);
});

test.each([
  ["/dashboard/public", "hybrid"],
  ["/dashboard/public/", "hybrid"],
  ["/en/dashboard/public", "hybrid"],
  ["/dashboard/caf%C3%A9%20bar", "hybrid"],
  ["/dashboard/PUBLIC", "auth"],
  ["/dashboard/%70ublic", "auth"],
  ["/dashboard//public", "auth"],
  ["/dashboard%2fpublic", "auth"],
  ["/%6cogin", "auth"],
  ["/LOGIN", "auth"],
])("an open rule opens only what it says: %s is %s", (path, type) => {
  const routes = [route.hybrid("/dashboard/public"), route.hybrid("/dashboard/café bar"), route.auth("/dashboard/*")];
  expect(findRule(path, { routes, defaultType: "auth", loginPath: "/login", locales: ["en"] }).type).toBe(type);
});

test.each([
  ["/dashboard%2fpublic", "/dashboard/public", "auth"],
  ["/100%25", "/100%25", "auth"],
  ["/a%3bb", "/a%3Bb", "auth"],
  ["/a%20b", "/a%20b", "hybrid"],
])("an open rule that servers read in several ways opens nothing: %s, %s is %s", (pattern, path, type) => {
  expect(findRule(path, { routes: [route.hybrid(pattern)], defaultType: "auth", loginPath: "/login", locales: [] }).type).toBe(type);
});

test("of the escapes, those of what a server may read otherwise open nothing", () => {
  const rules = { routes: [route.hybrid("/open/*")], defaultType: "auth" as const, loginPath: "/login", locales: [] };
  for (let code = 0x21; code < 0x7f; code++) {
    const escape = `%${code.toString(16)}`;
    const type = /[\w\-.~/\\%?#;]/.test(String.fromCharCode(code)) ? "auth" : "hybrid";
    for (const path of [`/open/${escape}`, `/open/${escape.toUpperCase()}`]) expect([path, findRule(path, rules).type]).toEqual([path, type]);
  }
});

test("a public rule around the login page holds for it, so who is signed in is sent on", () => {
  expect(findRule("/account/login", { routes: [route.public("/account/*")], defaultType: "auth", loginPath: "/account/login", locales: [] }).type).toBe("public");
});

test.each(["dashboard", "/%2a", "/*/", "/*/login"])("a rule for all around it leaves the login page open: %s", (pattern) => {
  expect(findRule("/dashboard/login", { routes: [route.auth(pattern)], defaultType: "hybrid", loginPath: "/dashboard/login", locales: [] }).type).toBe("hybrid");
});

test("the first rule that matches decides", () => {
  const routes: RouteRule[] = [route.public("/dashboard/help"), route.auth(patterns.dashboard)];
  const rules = { routes, defaultType: "hybrid" as const, loginPath: "/login", locales: [] };
  expect(findRule("/dashboard/help", rules)).toEqual({ type: "public", rule: routes[0] });
  expect(findRule("/dashboard/x", rules)).toEqual({ type: "auth", rule: routes[1] });
  expect(findRule("/x", rules)).toEqual({ type: "hybrid" });
  const help = route.hybrid("/*/help");
  expect(findRule("/dashboard/help", { ...rules, routes: [help, route.auth(patterns.dashboard)] })).toEqual({ type: "hybrid", rule: help });
});

describe("a rule that names a locale", () => {
  const verdict = (path: string, routes: RouteRule[], defaultType: RouteType = "hybrid") =>
    findRule(path, { routes, defaultType, loginPath: "/login", locales: ["en", "ar"] });

  test.each(["/en/only", "/EN/only", "/en/ONLY", "//en/only", "/%65n/only", "/en/only/"])("protects the path with it: %s", (path) => {
    const only = route.auth("/en/only");
    expect(verdict(path, [only])).toEqual({ type: "auth", rule: only });
    expect(verdict(path, [route.hybrid("/only"), only])).toEqual({ type: "auth", rule: only });
  });

  test("protects no other locale, and the first of such rules counts", () => {
    const routes = [route.hybrid("/ar/admin/help"), route.auth("/ar/admin/*"), route.auth("/ar*")];
    expect(verdict("/ar/admin/users", routes)).toEqual({ type: "auth", rule: routes[1] });
    expect(verdict("/ar/admin/help", routes).type).toBe("hybrid");
    expect(verdict("/ar", routes)).toEqual({ type: "auth", rule: routes[2] });
    expect(verdict("/en/admin/users", routes).type).toBe("hybrid");
  });

  test("opens in any letters of the locale, and only in the rest's own", () => {
    const routes = [route.hybrid("/en/a/*"), route.auth("/en/*"), route.hybrid("/AR"), route.auth("/ar/*")];
    for (const path of ["/en/a", "/EN/a", "/EN/a/b", "/ar", "/AR"]) expect([path, verdict(path, routes).type]).toEqual([path, "hybrid"]);
    for (const path of ["/EN", "/EN/A", "/en/A", "/%45N/a", "/ar/a"]) expect([path, verdict(path, routes).type]).toEqual([path, "auth"]);
  });

  test("opens nothing that is protected without the locale, nor the way to the login page", () => {
    expect(verdict("/en/a", [route.hybrid("/en/a"), route.auth("/a")]).type).toBe("auth");
    expect(verdict("/en/a", [route.hybrid("/en/a")], "auth").type).toBe("auth");
    expect(verdict("/en/login", [route.auth("/en/*")]).type).toBe("hybrid");
  });

  test("makes a public path one for everybody, and is told in place of the default", () => {
    const open = route.hybrid("/en/register");
    expect(verdict("/en/register", [route.public("/register"), open])).toEqual({ type: "hybrid", rule: open });
    expect(verdict("/en/a", [route.auth("/en/a")], "auth").rule).toEqual(route.auth("/en/a"));
  });

  test("is no rule whose wildcard happens to match it", () => {
    expect(verdict("/en/settings", [route.auth("/*/settings")]).type).toBe("hybrid");
  });
});

test("a second pattern is an error, since it would protect nothing", () => {
  const routes = Reflect.apply.bind(null, route.auth, null) as (patterns: string[]) => RouteRule;
  expect(() => routes(["/legacy/*", "/api/me"])).toThrow('route.auth() takes one pattern; write another one, route.auth("/api/me")');
  expect(["/a", "/b"].map(route.auth)).toEqual([
    { pattern: "/a", type: "auth" },
    { pattern: "/b", type: "auth" },
  ]);
});
