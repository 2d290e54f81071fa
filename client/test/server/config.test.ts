import { describe, expect, test, vi } from "vitest";
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
      clientUpdate: [], forwardCookie: false, realm: "default",
    });
    expect(clientConfig).toEqual({ autoActivityRefresh: true });
  });

  test("is Secure by default in production, as far as it can be in development", () => {
    expect(NextAuthSession({ session: { sameSite: "strict" } }).config).toMatchObject({ sameSite: "strict", secureCookie: false });
    vi.stubEnv("NODE_ENV", "production");
    expect(NextAuthSession().config.secureCookie).toBe(true);
    vi.unstubAllEnvs();
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
    ["an unknown section", { sessions: { sessionExpiry: 1 } }, /"sessions" is unknown; write session or middleware/],
    ["an unknown setting", { session: { expiry: 1 } }, /"session\.expiry" is unknown; write secretKey, sessionExpiry/],
    ["a setting of Object.prototype", { session: { constructor: 1 } }, /"session\.constructor" is unknown/],
    ["an expiry in words", { session: { sessionExpiry: "7d" } }, /session\.sessionExpiry must be a whole number of seconds, such as 86400/],
    ["no lifetime", { session: { sessionExpiry: 0 } }, /session\.sessionExpiry must be/],
    ["a threshold of nothing", { session: { refreshThreshold: 0 } }, /session\.refreshThreshold must be .* such as 3600; to switch it off, write autoRefresh: false/],
    ["a cookie name with a blank", { session: { cookieName: "my session" } }, /session\.cookieName must be a cookie name, such as "session"/],
    ["a realm with a blank", { session: { realm: "my shop" } }, /session\.realm must be the name of Caddy's realm/],
    ["a foreign SameSite", { session: { sameSite: "Lax" } }, /session\.sameSite must be "strict", "lax" or "none"/],
    ["SameSite none without Secure", { session: { sameSite: "none", secureCookie: false } }, /needs secureCookie true/],
    ["a callback that is none", { session: { onValidate: true } }, /session\.onValidate must be a function/],
    ["a rule without a slash", { middleware: { routes: [route.auth("private")] } }, /middleware\.routes: auth rule 1: pattern "private" does not begin with a slash; write "\/private", or one of the words api, dashboard/],
    ["routes that are no list", { middleware: { routes: route.auth("/") } }, /middleware\.routes must be a list of rules, such as/],
    ["a rule that is none", { middleware: { routes: [route.auth("/a"), null] } }, /middleware\.routes must be a list of rules: write rule 2 as route\.public\(path\)/],
    ["a rule of an unknown type", { middleware: { routes: [{ pattern: "/", type: "private" }] } }, /middleware\.routes must be/],
    ["a login URL", { middleware: { loginPath: "https://login.example.com" } }, /middleware\.loginPath must be a path, such as "\/login"/],
    ["a loop at home", { middleware: { routes: [route.public("/")] } }, /homePath "\/" is public/],
    ["a loop at home under a pattern with a slash at its end", { middleware: { routes: [route.public("/*/")] } }, /homePath "\/" is public/],
    ["a login path with a semicolon that is guarded", { middleware: { loginPath: "/a;b", defaultType: "auth" } }, /loginPath "\/a;b" has an auth rule/],
    ["the same with a public rule", { middleware: { loginPath: "/a;b", routes: [route.public("/a;b"), route.auth("/*")] } }, /loginPath "\/a;b" has an auth rule/],
    ["a login path whose page some servers know without a parameter", { middleware: { loginPath: "/a;b", routes: [route.auth("/a")] } }, /loginPath "\/a;b" has an auth rule/],
    ["a login path with an escape that servers read in several ways", { middleware: { loginPath: "/a%25b", defaultType: "auth" } }, /loginPath "\/a%25b" has an auth rule/],
    ["a loop at login", { middleware: { routes: [route.auth("/login")] } }, /loginPath "\/login" has an auth rule/],
  ])("refuses %s in one sentence", (_, config, message) => {
    expect(() => NextAuthSession(config as never)).toThrow(message);
  });

  test("takes sections and settings that are undefined, and locales as paths have them", () => {
    expect(() => NextAuthSession({ session: undefined, middleware: { loginPath: undefined, locales: ["en", "pt-BR", "es-419", "zh_Hant"] } })).not.toThrow();
  });

  test.each([null, "x", 5, [], () => {}])("takes an object, not %j", (config) => {
    expect(() => NextAuthSession(config as never)).toThrow(/^NextAuthSession: the configuration must be an object, such as \{ session: \{\}, middleware: \{\} \}\.$/);
  });

  test.each(["x", 5, [], true])("takes an object as a section, not %j", (session) => {
    expect(() => NextAuthSession({ session } as never)).toThrow(/^NextAuthSession: session must be an object of settings: secretKey, [^;]*\.$/);
  });

  test.each([
    { loginPath: "/a;b" },
    { loginPath: "/dashboard/login", routes: [route.auth("dashboard")] },
    { loginPath: "/home", routes: [route.auth("/%2a")] },
    { routes: [route.hybrid("/%2a")], defaultType: "public" as const },
    { routes: [route.public("/api/session")], defaultType: "auth" as const },
  ])("takes %j as Caddy does", (middleware) => {
    expect(() => NextAuthSession({ middleware })).not.toThrow();
  });

  // What `caddy adapt` answers to the same pattern in a rule.
  test.each([
    ["/user/[id]", 'pattern "/user/[id]" has the parameter [id]; write "/user/*"'],
    ["/[team]/settings", 'pattern "/[team]/settings" has the parameter [team]; write "/*/settings"'],
    ["/a/:id", 'pattern "/a/:id" has the parameter :id; write "/a/*"'],
    ["/docs/[[...slug]]", 'pattern "/docs/[[...slug]]" has the catch-all folder [[...slug]]; write "/docs/*" for that path and all below'],
    ["/(group)/x", 'pattern "/(group)/x" has the route group (group), which is not part of a URL; leave it out'],
    ["/dashboard/(.*)", 'pattern "/dashboard/(.*)" has the regular expression (.*), which is not supported; write "/dashboard/*"'],
    ["/dashboard/.*", 'pattern "/dashboard/.*" has the regular expression .*, which is not supported; write "/dashboard/*"'],
    ["/.+/x", 'pattern "/.+/x" has the regular expression .+, which is not supported; write "/*/x"'],
    ["/a/(b|c)/d", 'pattern "/a/(b|c)/d" has the regular expression (b|c), which is not supported; write "/a/*/d"'],
    ["/a$", 'pattern "/a$" ends in \'$\', which no path does; write "/a"'],
    ["/a,", 'pattern "/a," ends in \',\', which no path does; write "/a"'],
    ["https://x.example/a/b", 'pattern "https://x.example/a/b" names a host, but a rule is for paths of its own site; write "/a/b"'],
    ["x.example/a", 'pattern "x.example/a" names a host, but a rule is for paths of its own site; write "/a"'],
    ["localhost:3000/a", 'pattern "localhost:3000/a" names a host, but a rule is for paths of its own site; write "/a"'],
    ["!/login", 'pattern "!/login" begins with !, but no pattern excludes paths; write a rule for these paths before this one'],
    ["/a*b", 'pattern "/a*b" has a * inside a segment, which is not supported; * stands for a whole segment (/orgs/*/settings) or ends the pattern (/blog*, /blog/*)'],
    ["/x*/y", 'pattern "/x*/y" has a * inside a segment, which is not supported; * stands for a whole segment (/orgs/*/settings) or ends the pattern (/blog*, /blog/*)'],
    ["/**", 'pattern "/**" has a * inside a segment, which is not supported; * stands for a whole segment (/orgs/*/settings) or ends the pattern (/blog*, /blog/*)'],
    ["/..", 'pattern "/.." can never match: dot segments are resolved first; write the path without ".."'],
    ["/%2e/x", 'pattern "/%2e/x" can never match: dot segments are resolved first; write the path without "%2e"'],
    ["/#hash", 'pattern "/#hash" can never match: a path ends before "#"; remove "#hash"'],
    ["/a?b", 'pattern "/a?b" can never match: a path ends before "?"; remove "?b"'],
    ["//x", 'pattern "//x" can never match: it has an empty segment; write single slashes'],
    ["/a\\b", 'pattern "/a\\\\b" can never match: it has a backslash; write /'],
    ["/a%zz", 'pattern "/a%zz" has a % that is not followed by two hexadecimal digits; write %25'],
    ["/a%00", 'pattern "/a%00" can never match: it has a control character'],
    ["/a%1F", 'pattern "/a%1F" can never match: it has a control character'],
    ["/a%7F", 'pattern "/a%7F" can never match: it has a control character'],
    ["/a\t", 'pattern "/a\\t" can never match: it has a control character'],
    ["/a\u007f", 'pattern "/a\u007f" can never match: it has a control character'],
    ["/blog%2Aa", 'pattern "/blog%2Aa" has a * inside a segment, which is not supported; * stands for a whole segment (/orgs/*/settings) or ends the pattern (/blog*, /blog/*)'],
    ["/docs/[...slug]", 'pattern "/docs/[...slug]" has the catch-all folder [...slug]; write "/docs/*" for that path and all below'],
    ["/\ud800", 'pattern "/\\ud800" is not valid UTF-8'],
    ["~x", 'pattern "~x" looks like a regular expression, which is not supported; write a path such as /dashboard/*'],
    ["{", 'pattern "{" does not begin with a slash; write "/{", or one of the words api, dashboard, admin, settings, profile'],
    ["", 'an empty pattern matches nothing; write "/" for the front page'],
    ["/{env.X}", 'pattern "/{env.X}" has a placeholder, which is not resolved here; write the value itself'],
    ["/{$HOME:a b}", 'pattern "/{$HOME:a b}" has a placeholder, which is not resolved here; write the value itself'],
    ["/{$HOME}", 'pattern "/{$HOME}" has a placeholder, which is not resolved here; write the value itself'],
  ])("refuses the pattern %j as Caddy does", (pattern, fault) => {
    const routes = [route.public("/login"), route.auth(pattern)];
    expect(() => NextAuthSession({ middleware: { routes } })).toThrow(`NextAuthSession: middleware.routes: auth rule 2: ${fault}.`);
  });

  test.each(["/a, /b", "/a,/b", "/a /b"])("refuses several patterns in one, as Caddy does: %j", (pattern) => {
    expect(() => NextAuthSession({ middleware: { routes: [route.auth(pattern)] } })).toThrow(
      `auth rule 1: pattern ${JSON.stringify(pattern)} looks like several in one; write a rule for each.`,
    );
  });

  test.each(["*", "/*", "dashboard", "/", "/a b", "/blog*", "/orgs/*/settings", "/*/*", "/x/(.)y", "/a{b", "/é", "/:", "/a%20b", "/a/%2a", "/.well-known/*", "/a..b/c..", "/blog*/", "/$a", "/a,b", "/a(b)", "/.a*", "/a%C3%A9"])(
    "takes the pattern %j as Caddy does",
    (pattern) => {
      expect(() => NextAuthSession({ middleware: { routes: [route.hybrid(pattern)] } })).not.toThrow();
    },
  );

  test.each<[string, unknown, string]>([
    ["a cookie name with Caddy's prefix", { session: { cookieName: "__Host-session" } }, 'session.cookieName "__Host-session" begins with a prefix; leave it out, Caddy\'s cookie_prefix puts it in front'],
    ["a cookie name with a prefix in another case", { session: { cookieName: "__secure-session" } }, 'session.cookieName "__secure-session" begins with a prefix; leave it out, Caddy\'s cookie_prefix puts it in front'],
    ["a cookie name that is too long", { session: { cookieName: "s".repeat(129) } }, "session.cookieName has 129 bytes, more than 128; write a shorter one"],
    ["user.id", { session: { clientUpdate: ["name", "id"] } }, 'session.clientUpdate "id" says who the user is, so a browser cannot change it; remove it'],
    ["a field twice", { session: { clientUpdate: ["name", "name"] } }, 'session.clientUpdate has "name" twice; remove one'],
    ["a placeholder for a field", { session: { clientUpdate: ["{env.X}"] } }, 'session.clientUpdate "{env.X}" has a placeholder, which is not resolved here; write the value itself'],
    ["a pattern as a path", { middleware: { homePath: "/h/*" } }, 'middleware.homePath "/h/*" is not a plain path; write it without *'],
    ["a locale in a path", { middleware: { loginPath: "/EN/login", locales: ["en"] } }, 'middleware.loginPath "/EN/login" begins with a locale, which is added to redirects; write /login'],
    ["a locale in the path of home", { middleware: { homePath: "/en", locales: ["en"] } }, 'middleware.homePath "/en" begins with a locale, which is added to redirects; write /'],
    ["a star for every field", { session: { clientUpdate: ["*"] } }, 'session.clientUpdate "*" names no field; write each field that a browser may change, such as "name"'],
    ["fields in one string", { session: { clientUpdate: ["name,email"] } }, 'session.clientUpdate "name,email" has a comma; write each field as a string of its own'],
    ["a field of scripts", { session: { clientUpdate: ["__proto__"] } }, 'session.clientUpdate "__proto__" can never be changed: the session API refuses this name everywhere; remove it'],
    ["a field with its user", { session: { clientUpdate: ["user.name"] } }, 'session.clientUpdate "user.name" names no field: fields are named without "user."; write name'],
    ["more than a lifetime", { session: { refreshThreshold: Number.MAX_SAFE_INTEGER } }, "session.refreshThreshold is longer than 100 years; write a shorter one"],
    ["a realm for which there is no cookie name", { session: { realm: "r".repeat(121) } }, "the cookie of session.realm has 129 bytes, more than 128; write a shorter one"],
    ["dots in a path", { middleware: { loginPath: "/a/../login" } }, 'middleware.loginPath "/a/../login" can never match: dot segments are resolved first; write the path without ".."'],
    ["a locale that is a path", { middleware: { locales: ["/en"] } }, 'locale "/en" is not a path prefix; write it as it stands in the path, such as en or pt-BR'],
    ["a locale in two cases", { middleware: { locales: ["en", "EN"] } }, 'locale "EN" is written twice (letter case does not count); remove one'],
  ])("refuses %s as Caddy does", (_, config, fault) => {
    expect(() => NextAuthSession(config as never)).toThrow(`NextAuthSession: ${fault}.`);
  });

  test("names every fault at once", () => {
    expect(() => NextAuthSession({ session: { sessionExpiry: -1, autoRefresh: "yes" as never }, middleware: { locales: "en" as never } })).toThrow(
      /sessionExpiry.*autoRefresh.*locales/,
    );
  });
});
