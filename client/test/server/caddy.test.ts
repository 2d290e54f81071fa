import { describe, expect, test, vi } from "vitest";
import { encodeText } from "../../src/base64url.js";
import { NextAuthSession } from "../../src/index.js";
import { connection, current, FakeRequest, session, use } from "./harness.js";

const auth = NextAuthSession();
const DAY = 24 * 60 * 60 * 1000;

describe("getSession behind Caddy", () => {
  test("is what Caddy says, without tokens unless asked for", async () => {
    const sealed = session({ accessToken: "at", refreshToken: "rt" });
    current.behindCaddy(sealed);
    expect(await auth.getSession()).toEqual(session({ ...sealed, accessToken: undefined, refreshToken: undefined }));
    expect(Object.keys((await auth.getSession()) ?? {})).not.toContain("accessToken");
    expect(await auth.getSession({ tokens: true })).toEqual(sealed);
    expect(await auth.isAuthenticated()).toBe(true);
  });

  test("is null for an anonymous visitor", async () => {
    current.behindCaddy();
    expect(await auth.getSession()).toBeNull();
    expect(await auth.isAuthenticated()).toBe(false);
  });

  test.each(["%%%", "bm90IGpzb24", "e30", "eyJ1c2VyIjp7ImlkIjoiIn19"])("is null for the unreadable header %s", async (value) => {
    current.behindCaddy().headers.set("X-Session-Data", value);
    expect(await auth.getSession()).toBeNull();
  });

  test("is null when onValidate says so", async () => {
    const onValidate = vi.fn(async () => false);
    const { getSession } = NextAuthSession({ session: { onValidate } });
    const sealed = session({ accessToken: "at" });
    current.behindCaddy(sealed);
    expect(await getSession()).toBeNull();
    expect(onValidate).toHaveBeenCalledWith(sealed);
  });

  test("needs no secret", async () => {
    vi.stubEnv("SESSION_SECRET", undefined);
    current.behindCaddy(session());
    expect(await auth.getSession()).not.toBeNull();
  });
});

describe("handoffs", () => {
  test("are read in a page with cacheComponents only while it answers a request, since their times come from the clock", async () => {
    current.behindCaddy();
    await auth.getSession();
    expect(connection).not.toHaveBeenCalled(); // Caddy's session has its own times, so a page that shows it can be prefetched
    await auth.createSession({ id: "7" });
    connection.mockReturnValueOnce(new Promise(() => {})); // Next.js prerenders
    const settled = vi.fn();
    void auth.getSession().then(settled, settled);
    await vi.waitFor(() => expect(connection).toHaveBeenCalledOnce());
    expect(settled).not.toHaveBeenCalled();
    const signal = new Error("Route /dashboard couldn't be rendered statically");
    connection.mockRejectedValueOnce(signal); // Next.js builds
    await expect(auth.getSession()).rejects.toBe(signal);
  });

  test("createSession hands the user over in a cookie for Caddy only", async () => {
    current.behindCaddy();
    const result = await auth.createSession({ id: "7", name: "Grace", email: undefined }, { accessToken: "at" });
    expect(result).toMatchObject({ success: true, session: { user: { id: "7", name: "Grace" } } });
    expect(JSON.stringify(result)).not.toContain("accessToken");
    expect([...current.set.keys()]).toEqual(["session.set"]);
    expect(current.handoff("session.set")).toEqual({ user: { id: "7", name: "Grace" }, accessToken: "at" });
    expect(current.set.get("session.set")?.value).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(current.set.get("session.set")?.options).toMatchObject({ httpOnly: true, path: "/" });
  });

  test("createSession takes an id with an outer U+FEFF, which is no white space to Caddy", async () => {
    current.behindCaddy();
    expect(await auth.createSession({ id: "\ufeff1" })).toMatchObject({ success: true });
  });

  test("getSession sees a session created in the same request", async () => {
    current.behindCaddy(session());
    await auth.createSession({ id: "7", name: "Grace" }, { refreshToken: "rt" });
    const found = await auth.getSession({ tokens: true });
    expect(found).toMatchObject({ user: { id: "7", name: "Grace" }, refreshToken: "rt" });
    expect(found?.user).not.toHaveProperty("email");
    expect(found?.expiresAt).toBeGreaterThan(Date.now() + 7 * DAY - 5000);
    expect(found?.expiryDate).toBe(new Date(found?.expiresAt ?? 0).toISOString());
  });

  test.each([
    [{ name: "Grace" }, 'there is no "name" to update; user fields stand in user, such as { user: { name: "Ada" } }.'],
    ["Grace", 'updates must be an object, such as { user: { name: "Ada" } }.'],
    [[], 'updates must be an object, such as { user: { name: "Ada" } }.'],
  ])("updateSession(%j) is an error", async (updates, error) => {
    current.behindCaddy(session());
    expect(await auth.updateSession(updates as never)).toEqual({ success: false, error });
    expect(current.handoff("session.update")).toBeUndefined();
  });

  test("updateSession hands over the named fields, null removes one", async () => {
    current.behindCaddy(session({ accessToken: "at" }));
    const result = await auth.updateSession({ user: { name: "Grace", email: null }, accessToken: null });
    expect(current.handoff("session.update")).toEqual({ user: { name: "Grace", email: null }, accessToken: null });
    expect(result).toMatchObject({ success: true, session: { user: { id: "1", name: "Grace" } } });
    const found = await auth.getSession({ tokens: true });
    expect(found?.user).toEqual({ id: "1", name: "Grace" });
    expect(found).not.toHaveProperty("accessToken");
  });

  test("two updates of one request are one handoff", async () => {
    current.behindCaddy(session());
    await auth.updateSession({ user: { name: "Grace", email: null } });
    await auth.updateSession({ user: { email: "grace@example.com" }, refreshToken: "rt" });
    await auth.refreshSession();
    expect(current.handoff("session.update")).toEqual({ user: { name: "Grace", email: "grace@example.com" }, refreshToken: "rt" });
  });

  test("refreshSession is an empty update", async () => {
    current.behindCaddy(session());
    const result = await auth.refreshSession();
    expect(current.handoff("session.update")).toEqual({});
    expect(result.session?.expiresAt).toBeGreaterThan(Date.now() + 7 * DAY - 5000);
  });

  test.each([
    [7, 29, 30],
    [60, 50, 60],
  ])("refreshSession tells the end that Caddy grants: an expiry of %i days, %i days after the login, ends %i days after it", async (expiry, age, end) => {
    const createdAt = Date.now() - age * DAY;
    current.behindCaddy(session({ createdAt }));
    const { refreshSession, getSession } = NextAuthSession({ session: { sessionExpiry: expiry * 24 * 3600 } });
    const expiresAt = createdAt + end * DAY;
    const told = { expiresAt, expiryDate: new Date(expiresAt).toISOString() };
    expect((await refreshSession()).session).toMatchObject(told);
    expect(await getSession()).toMatchObject(told);
  });

  test("a session that lives longer than by Caddy's default has been allowed to", async () => {
    const createdAt = Date.now() - 31 * DAY;
    current.behindCaddy(session({ createdAt, expiresAt: Date.now() + 7 * DAY }));
    const { refreshSession } = NextAuthSession({});
    expect((await refreshSession()).session?.expiresAt).toBeGreaterThan(Date.now() + 6 * DAY);
  });

  test("a field named __proto__ is none of the session's prototype, which would give it fields that are never sealed", async () => {
    current.behindCaddy(session());
    const result = await auth.updateSession({ user: JSON.parse('{"__proto__":{"role":"admin"},"email":null}') });
    expect(result.session?.user.role).toBeUndefined();
    expect((await auth.getSession())?.user.role).toBeUndefined();
    expect(Object.keys(result.session?.user ?? {})).toEqual(["id", "name", "__proto__"]);
  });

  test("a field that is null stays, unless an update removes it", async () => {
    current.behindCaddy(session({ user: { id: "1", name: null, email: null } }));
    expect((await auth.updateSession({ user: { email: null } })).session?.user).toEqual({ id: "1", name: null });
  });

  test("refreshSession runs onRefresh: what it returns replaces user and tokens, null refuses", async () => {
    current.behindCaddy(session({ accessToken: "old", refreshToken: "old" }));
    const { refreshSession } = NextAuthSession({
      session: { onRefresh: async (session) => ({ ...session, user: { id: "1", name: "New" }, accessToken: "new", refreshToken: "rotated" }) },
    });
    expect((await refreshSession()).success).toBe(true);
    expect(current.handoff("session.update")).toEqual({ user: { name: "New", email: null }, accessToken: "new", refreshToken: "rotated" });
    const refusing = NextAuthSession({ session: { onRefresh: async () => null } });
    expect(await refusing.refreshSession()).toEqual({ success: false, error: "onRefresh refused the refresh." });
  });

  test.each([{}, { accessToken: "new" }, { user: null }])("onRefresh that returns no session (%j) is told what to return", async (returned) => {
    current.behindCaddy(session());
    const { refreshSession } = NextAuthSession({ session: { onRefresh: async () => returned as never } });
    expect(await refreshSession()).toEqual({ success: false, error: expect.stringContaining("must return the whole session") });
    expect(current.set.size).toBe(0);
  });

  test("onRefresh removes a token that it leaves out, and keeps one that it was never shown, as under identity_headers user", async () => {
    const { refreshSession } = NextAuthSession({ session: { onRefresh: async ({ accessToken: _, ...session }) => session } });
    current.behindCaddy(session({ accessToken: "old" }));
    expect((await refreshSession()).success).toBe(true);
    expect(current.handoff("session.update")).toEqual({ user: {}, accessToken: null });
    use(new FakeRequest()).behindCaddy(session());
    expect((await refreshSession()).success).toBe(true);
    expect(current.handoff("session.update")).toEqual({ user: {} });
  });

  test("onRefresh may change the session that it gets and return it", async () => {
    current.behindCaddy(session({ accessToken: "old" }));
    const { refreshSession } = NextAuthSession({
      session: {
        onRefresh: async (session) => {
          session.accessToken = "new";
          delete session.user.email;
          return session;
        },
      },
    });
    expect((await refreshSession()).success).toBe(true);
    expect(current.handoff("session.update")).toEqual({ user: { email: null }, accessToken: "new" });
  });

  test("onRefresh names no field that it leaves as it is, or it would undo another request's change of it", async () => {
    const { refreshSession } = NextAuthSession({ session: { onRefresh: async (session) => ({ ...session, user: { ...session.user, name: "New" } }) } });
    const user = { id: "u1", name: "Ada", theme: { dark: true }, account: 12345678901234567000 };
    current.behindCaddy(session({ user }));
    expect((await refreshSession()).success).toBe(true);
    expect(current.handoff("session.update")).toEqual({ user: { name: "New" } });
  });

  test("deleteSession ends the session for the rest of the request", async () => {
    current.behindCaddy(session());
    expect(await auth.deleteSession()).toEqual({ success: true });
    expect(current.set.get("session.delete")?.value).toBe("1");
    expect(await auth.getSession()).toBeNull();
    expect(await auth.updateSession({ user: { name: "Eve" } })).toEqual({ success: false, error: "Nobody is signed in." });
  });

  test("createSession after deleteSession signs in: Caddy deletes first", async () => {
    current.behindCaddy(session());
    await auth.deleteSession();
    await auth.createSession({ id: "2" });
    expect([...current.set.keys()]).toEqual(["session.delete", "session.set"]);
    expect((await auth.getSession())?.user.id).toBe("2");
  });

  test("deleteSession after createSession takes the login back", async () => {
    current.behindCaddy();
    await auth.createSession({ id: "2" });
    await auth.updateSession({ user: { name: "Two" } });
    await auth.deleteSession();
    expect(current.set.get("session.set")).toMatchObject({ value: "", options: { maxAge: 0 } });
    expect(current.set.get("session.update")).toMatchObject({ value: "", options: { maxAge: 0 } });
    expect(await auth.getSession()).toBeNull();
  });

  test("createSession takes back an update of the session before", async () => {
    current.behindCaddy(session());
    await auth.updateSession({ user: { name: "Ada L." } });
    await auth.createSession({ id: "2", name: "Grace" });
    expect((await auth.getSession())?.user).toEqual({ id: "2", name: "Grace" });
    expect(current.handoff("session.update")).toBeUndefined();
  });

  test("names follow cookieName and realm", async () => {
    current.behindCaddy();
    await NextAuthSession({ session: { cookieName: "sid" } }).createSession({ id: "1" });
    current.behindCaddy(null, "admin");
    await NextAuthSession({ session: { realm: "admin" } }).createSession({ id: "1" });
    expect([...current.set.keys()]).toEqual(["sid.set", "session_admin.set"]);
  });
});

// Next.js runs any Server Action at any path, so one that asks for an administrator is posted to the customers' pages, too.
test("a session of another realm than the configured one is nobody's, and cannot be changed", async () => {
  current.behindCaddy(session());
  const admin = NextAuthSession({ session: { realm: "admin" } });
  expect(await admin.getSession()).toBeNull();
  expect(await admin.isAuthenticated()).toBe(false);
  for (const change of [() => admin.createSession({ id: "1" }), () => admin.updateSession({ user: { name: "Eve" } }), admin.actions.logout]) {
    expect(await change()).toEqual({ success: false, error: "The request came through the realm default of Caddy, and this is a session of the realm admin." });
  }
  expect(current.set.size).toBe(0);
  current.behindCaddy(session(), "admin");
  expect((await admin.getSession())?.user.id).toBe("1");
  expect((await NextAuthSession().getSession())?.user.id).toBe("1"); // says nothing of a realm, so that one app may stand behind several
});

describe("bad input is an error result, and nothing is handed over", () => {
  test.each([
    ["an empty id", { id: "" }],
    ["an id with outer white space", { id: " 1" }],
    ["an id with other outer white space", { id: "1\u3000" }],
    ["an id with a control character", { id: "a\nb" }],
    ["a numeric id", { id: 7 as unknown as string }],
    ["no id", {} as { id: string }],
  ])("createSession with %s", async (_, user) => {
    current.behindCaddy();
    expect(await auth.createSession(user)).toMatchObject({ success: false, error: expect.stringContaining("user.id") });
    expect(current.set.size).toBe(0);
  });

  const nested = (depth: number): object => (depth === 1 ? {} : { a: nested(depth - 1) });
  test.each([
    ["a bigint", { id: "1", big: 1n }],
    ["a lone surrogate", { id: "1", name: "\ud800" }],
    ["a lone surrogate in a name", { id: "1", "\udc00": 1 }],
    ["too deep a nesting", { id: "1", deep: nested(64) }],
  ])("%s, which Caddy would not read", async (_, user) => {
    current.behindCaddy(session());
    const error = expect.stringContaining("plain JSON");
    expect(await auth.createSession(user)).toEqual({ success: false, error });
    expect(await auth.updateSession({ user })).toEqual({ success: false, error });
    expect(current.set.size).toBe(0);
    expect((await auth.createSession({ id: "1", name: "\u{1f389} \\ud800", deep: nested(60) })).success).toBe(true);
  });

  test("a token that is not a string", async () => {
    current.behindCaddy();
    expect(await auth.createSession({ id: "1" }, { accessToken: 5 as unknown as string })).toEqual({
      success: false,
      error: "accessToken must be a string.",
    });
  });

  test("a change of user.id", async () => {
    current.behindCaddy(session());
    expect(await auth.updateSession({ user: { id: "2" } })).toMatchObject({ success: false, error: expect.stringContaining("cannot change") });
    expect((await auth.updateSession({ user: { id: "1", name: "Ada L." } })).success).toBe(true);
    expect(current.handoff("session.update")).toEqual({ user: { name: "Ada L." } });
  });

  test("a session larger than its cookies", async () => {
    current.behindCaddy(session());
    const large = "x".repeat(10_000);
    const error = expect.stringMatching(/^The session is too large: its token would take 1\d{4} bytes, at most 12234 fit\. /);
    expect(await auth.createSession({ id: "1", large })).toMatchObject({ success: false, error });
    expect(await auth.createSession({ id: "1" }, { accessToken: large })).toMatchObject({ success: false, error });
    expect(await auth.updateSession({ user: { large } })).toMatchObject({ success: false, error });
    expect(current.set.size).toBe(0);
    expect((await auth.createSession({ id: "1", large: "x".repeat(8700) })).success).toBe(true);
  });

  test("a user.id that fits into its cookies, but not into what the app is told", async () => {
    current.behindCaddy();
    const error = expect.stringMatching(/^The session is too large: the request headers for the app would take \d+ bytes, at most 12288 fit\. /);
    expect(await auth.createSession({ id: "\u00e9".repeat(2000) })).toMatchObject({ success: false, error });
    expect((await auth.createSession({ id: "\u00e9".repeat(500) })).success).toBe(true);
  });

  test("a session that fits, but not beside its own cookie, which forward_cookie sends to the app", async () => {
    current.behindCaddy();
    const { createSession } = NextAuthSession({ session: { forwardCookie: true } });
    const error = expect.stringMatching(/^The session is too large: the request headers for the app would take \d+ bytes, at most 12288 fit\. /);
    expect(await createSession({ id: "1", large: "x".repeat(5000) })).toMatchObject({ success: false, error });
    expect(current.set.size).toBe(0);
    expect((await createSession({ id: "1", large: "x".repeat(4000) })).success).toBe(true);
    expect((await auth.createSession({ id: "1", large: "x".repeat(5000) })).success).toBe(true);
  });

  test("two updates that are too large together", async () => {
    current.behindCaddy(session());
    expect((await auth.updateSession({ user: { a: "x".repeat(5000) } })).success).toBe(true);
    expect((await auth.updateSession({ user: { b: "x".repeat(5000) } })).success).toBe(false);
    expect(current.handoff("session.update")).toEqual({ user: { a: "x".repeat(5000) } });
  });
});

test("an onValidate that throws keeps nobody from signing out and in, and is told where the session is read", async () => {
  const outage = new Error("the database is down");
  const auth = NextAuthSession({ session: { onValidate: () => Promise.reject(outage) } });
  current.behindCaddy(session());
  await expect(auth.getSession()).rejects.toBe(outage);
  await expect(auth.updateSession({ user: { name: "Grace" } })).rejects.toBe(outage);
  expect(await auth.deleteSession()).toEqual({ success: true });
  expect(await auth.createSession({ id: "2" })).toMatchObject({ success: true, session: { user: { id: "2" } } });
  expect([...current.set.keys()]).toEqual(["session.delete", "session.set"]);
});

describe("where there is nothing to write to", () => {
  test("a Server Component gets an error result that says so", async () => {
    current.behindCaddy(session()).writable = false;
    const error = expect.stringMatching(/Server Action or a Route Handler; a Server Component cannot set cookies, nor can after\(\)/);
    expect(await auth.createSession({ id: "1" })).toEqual({ success: false, error });
    expect(await auth.updateSession({ user: { name: "x" } })).toEqual({ success: false, error });
    expect(await auth.refreshSession()).toEqual({ success: false, error });
    expect(await auth.deleteSession()).toEqual({ success: false, error });
  });

  test("signals of Next.js pass unchanged", async () => {
    const signal = Object.assign(new Error("Dynamic server usage"), { digest: "DYNAMIC_SERVER_USAGE" });
    use(Object.defineProperty(new FakeRequest(), "headers", { get: () => Promise.reject(signal) }));
    await expect(auth.getSession()).rejects.toBe(signal);
    await expect(auth.createSession({ id: "1" })).rejects.toBe(signal);
  });

  test("outside a request it says where to call it", async () => {
    const outside = new Error("`headers` was called outside a request scope. Read more: …");
    use(Object.defineProperty(new FakeRequest(), "headers", { get: () => Promise.reject(outside) }));
    await expect(auth.getSession()).rejects.toThrow(/^getSession\(\) needs a request: call it in a Server Component, a Server Action or a Route Handler\. In the Pages Router, read the header x-session-data of the request\.$/);
  });

  test("in the browser it names the hook", async () => {
    vi.stubGlobal("window", {});
    await expect(auth.getSession()).rejects.toThrow(/useSession\(\)/);
    vi.unstubAllGlobals();
  });

  // An attack: Caddy removes only handoffs whose name it knows, and one that goes through would be a session that anybody writes.
  test.each(["set", "update", "delete"])("a handoff that the browser sends under a name which Caddy does not know means nothing: %s", async (kind) => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    Reflect.deleteProperty(globalThis, Symbol.for("caddy-session-guard.said"));
    const { getSession } = NextAuthSession({ session: { cookieName: "app_session" } });
    const forged = kind === "delete" ? "1" : encodeText(JSON.stringify({ user: { id: "admin", role: "admin" } }));
    for (const ada of [null, session()]) {
      use(new FakeRequest().behindCaddy(ada));
      current.headers.set("Cookie", `theme=dark; app_session.${kind}=${forged}`);
      current.sent.set(`app_session.${kind}`, forged);
      expect((await getSession())?.user).toEqual(ada?.user);
    }
    expect(log).toHaveBeenCalledTimes(1);
    expect(log.mock.calls[0]?.[0]).toMatch(/the cookie "app_session".* cookie_name in the Caddyfile/);
  });

  test("a handoff that Next.js copies into its own request for the page that an action redirects to is no mistake of anybody", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    Reflect.deleteProperty(globalThis, Symbol.for("caddy-session-guard.said"));
    const own = encodeText(JSON.stringify({ user: { id: "2" } }));
    use(new FakeRequest().behindCaddy());
    current.headers.set("Cookie", `session.set=${own}`);
    current.headers.set("Sec-Fetch-Mode", "cors"); // as Node.js has it in each fetch
    current.sent.set("session.set", own);
    expect(await auth.getSession()).toBeNull(); // Caddy drops that page
    expect(log).not.toHaveBeenCalled();
  });

  test("a handoff that proxy.ts has set counts, though Next.js writes it into the request", async () => {
    use(new FakeRequest().behindCaddy());
    const own = encodeText(JSON.stringify({ user: { id: "2" } }));
    current.headers.set("Cookie", `session.set=${own}`);
    current.headers.set("x-middleware-set-cookie", `session.set=${own}; Path=/; HttpOnly`);
    current.sent.set("session.set", own);
    expect((await auth.getSession())?.user).toEqual({ id: "2" });
  });

  test("in production without Caddy nobody is signed in, and it says so once", async () => {
    vi.stubEnv("NODE_ENV", "production");
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    Reflect.deleteProperty(globalThis, Symbol.for("caddy-session-guard.said"));
    const { getSession, createSession } = NextAuthSession();
    current.headers.set("X-Session-Data", "eyJ1c2VyIjp7ImlkIjoiMSJ9LCJleHBpcmVzQXQiOjF9");
    expect(await getSession()).toBeNull();
    expect(await getSession()).toBeNull();
    vi.resetModules(); // Next.js puts a copy of the package into each of its bundles
    const copy = await import("../../src/index.js");
    expect(await copy.NextAuthSession().getSession()).toBeNull();
    // A page with force-static sees no headers either, as it is built and behind Caddy.
    expect(await createSession({ id: "1" })).toEqual({ success: false, error: expect.stringMatching(/did not come through a Caddy.*force-static/) });
    expect(current.set.size).toBe(0);
    expect(log).toHaveBeenCalledTimes(1);
    expect(log.mock.calls[0]?.[0]).toMatch(/did not come through a Caddy.*force-static/);
  });
});
