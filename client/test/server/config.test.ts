import { describe, expect, test } from "vitest";
import { NextAuthSession, route } from "../../src/index.js";

describe("NextAuthSession", () => {
  test("returns every member of the original", () => {
    expect(Object.keys(NextAuthSession())).toEqual(
      expect.arrayContaining([
        "createSession", "getSession", "updateSession", "refreshSession", "deleteSession", "isAuthenticated", "encryptSession", "decryptSession",
        "isSessionExpired", "shouldRefreshSession", "middleware", "handlers", "actions", "config", "clientConfig",
      ]),
    );
  });

  test("has the original's defaults, and no secret in config", () => {
    const { config, clientConfig } = NextAuthSession({ session: { secretKey: "s".repeat(32), cookieName: undefined } });
    expect(config).toEqual({
      sessionExpiry: 604_800, refreshThreshold: 86_400, cookieName: "session", autoRefresh: true, secureCookie: false, sameSite: "lax",
      clientUpdate: [], realm: "default",
    });
    expect(clientConfig).toEqual({ autoActivityRefresh: true });
  });

  test("shouldRefreshSession and isSessionExpired go by the settings", () => {
    const { shouldRefreshSession, isSessionExpired } = NextAuthSession({ session: { sessionExpiry: 3600, refreshThreshold: 600 } });
    const left = (seconds: number) => ({ expiresAt: Date.now() + seconds * 1000 });
    expect([shouldRefreshSession(left(700)), shouldRefreshSession(left(500))]).toEqual([false, true]);
    expect([isSessionExpired(left(1)), isSessionExpired(left(0))]).toEqual([false, true]);
    // A threshold above the expiry means at every use, but not for less than a minute.
    const eager = NextAuthSession({ session: { sessionExpiry: 3600, refreshThreshold: 7200 } });
    expect([eager.shouldRefreshSession(left(3590)), eager.shouldRefreshSession(left(3500))]).toEqual([false, true]);
  });

  test.each<[string, unknown, RegExp]>([
    ["an unknown section", { sessions: {} }, /there is no "sessions", write session or middleware/],
    ["an unknown setting", { session: { expiry: 1 } }, /there is no "session\.expiry", write secretKey, sessionExpiry/],
    ["a setting of Object.prototype", { session: { constructor: 1 } }, /there is no "session\.constructor"/],
    ["an expiry in words", { session: { sessionExpiry: "7d" } }, /session\.sessionExpiry must be a whole number of seconds, such as 86400/],
    ["no lifetime", { session: { sessionExpiry: 0 } }, /session\.sessionExpiry must be/],
    ["a cookie name with a blank", { session: { cookieName: "my session" } }, /session\.cookieName must be a cookie name, such as "session"/],
    ["a foreign SameSite", { session: { sameSite: "Lax" } }, /session\.sameSite must be "strict", "lax" or "none"/],
    ["SameSite none without Secure", { session: { sameSite: "none", secureCookie: false } }, /needs secureCookie true/],
    ["a callback that is none", { session: { onValidate: true } }, /session\.onValidate must be a function/],
    ["a rule without a slash", { middleware: { routes: [route.auth("private")] } }, /middleware\.routes must be a list of rules/],
    ["a rule of an unknown type", { middleware: { routes: [{ pattern: "/", type: "private" }] } }, /middleware\.routes must be/],
    ["a login URL", { middleware: { loginPath: "https://login.example.com" } }, /middleware\.loginPath must be a path, such as "\/login"/],
    ["a loop at home", { middleware: { routes: [route.public("/")] } }, /homePath "\/" is public/],
    ["a loop at login", { middleware: { routes: [route.auth("/login")] } }, /loginPath "\/login" has an auth rule/],
  ])("refuses %s in one sentence", (_, config, message) => {
    expect(() => NextAuthSession(config as never)).toThrow(message);
  });

  test("names every fault at once", () => {
    expect(() => NextAuthSession({ session: { sessionExpiry: -1, autoRefresh: "yes" as never }, middleware: { locales: "en" as never } })).toThrow(
      /sessionExpiry.*autoRefresh.*locales/,
    );
  });
});
