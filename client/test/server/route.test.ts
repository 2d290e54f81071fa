import { expect, test } from "vitest";
import { findRule, patterns, route, type RouteRule } from "../../src/route.js";

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
])("%s and %s: %s", (pattern, path, expected) => {
  expect(matches(pattern, path)).toBe(expected);
});

test("the first rule that matches decides", () => {
  const routes: RouteRule[] = [route.public("/dashboard/help"), route.auth(patterns.dashboard)];
  const rules = { routes, defaultType: "hybrid" as const, loginPath: "/login", locales: [] };
  expect(findRule("/dashboard/help", rules)).toEqual({ type: "public", rule: routes[0] });
  expect(findRule("/dashboard/x", rules)).toEqual({ type: "auth", rule: routes[1] });
  expect(findRule("/x", rules)).toEqual({ type: "hybrid" });
});
