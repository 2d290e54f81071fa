import { describe, expect, test, vi } from "vitest";
import { NextAuthSession } from "../../src/index.js";
import { current, session, use } from "./harness.js";

const auth = NextAuthSession();

/** The browser comes back with the cookies of the last answer. */
function nextRequest() {
  return use(current.next());
}

describe("development without Caddy", () => {
  test("keeps the session in the app's own cookie, which needs the secret", async () => {
    expect(await auth.getSession()).toBeNull();
    await auth.createSession({ id: "1", name: "Ada" }, { accessToken: "at" });
    expect([...current.set.keys()]).toEqual(["session"]);
    expect(current.set.get("session")?.options).toEqual({ httpOnly: true, path: "/", sameSite: "lax", secure: false, maxAge: 7 * 24 * 3600 });
    expect((await auth.getSession())?.user.name).toBe("Ada");
    nextRequest();
    expect(await auth.getSession({ tokens: true })).toMatchObject({ user: { id: "1", name: "Ada" }, accessToken: "at" });
    expect(await auth.decryptSession(current.sent.get("session") ?? "")).toMatchObject({ user: { id: "1" } });
  });

  test("updates, refreshes and deletes", async () => {
    vi.useFakeTimers();
    await auth.createSession({ id: "1", name: "Ada", email: "a@b" });
    nextRequest();
    await auth.updateSession({ user: { name: "Grace", email: null } });
    nextRequest();
    const before = await auth.getSession();
    expect(before?.user).toEqual({ id: "1", name: "Grace" });
    vi.advanceTimersByTime(60_000);
    await auth.refreshSession();
    nextRequest();
    const after = await auth.getSession();
    expect(after?.expiresAt).toBe((before?.expiresAt ?? 0) + 60_000);
    expect(after?.createdAt).toBe(before?.createdAt);
    await auth.deleteSession();
    nextRequest();
    expect(await auth.getSession()).toBeNull();
    expect(current.sent.size).toBe(0);
  });

  test("splits a large session into chunks and removes those that are left over", async () => {
    await auth.createSession({ id: "1", large: "x".repeat(6000) });
    expect([...current.set.keys()]).toEqual(["session.0", "session.1", "session.2"].slice(0, current.set.size));
    expect(current.set.size).toBeGreaterThan(1);
    for (const [name, { value }] of current.set) expect(name.length + value.length).toBeLessThanOrEqual(4096);
    nextRequest();
    expect((await auth.getSession())?.user.large).toHaveLength(6000);
    await auth.updateSession({ user: { large: null } });
    nextRequest();
    expect([...current.sent.keys()]).toEqual(["session"]);
    expect((await auth.getSession())?.user).toEqual({ id: "1" });
  });

  test("grows into chunks, and signs out of them", async () => {
    await auth.createSession({ id: "1", name: "Ada" });
    nextRequest();
    await auth.updateSession({ user: { large: "x".repeat(6000) } });
    nextRequest();
    expect([...current.sent.keys()]).toEqual(["session.0", "session.1", "session.2"].slice(0, current.sent.size));
    expect((await auth.getSession())?.user.large).toHaveLength(6000);
    await auth.deleteSession();
    nextRequest();
    expect(current.sent.size).toBe(0);
  });

  test("takes a token that is null for none, as behind Caddy", async () => {
    expect(await auth.createSession({ id: "1" }, { accessToken: null, refreshToken: "rt" } as never)).toMatchObject({ success: true });
    nextRequest();
    const session = await auth.getSession({ tokens: true });
    expect([session?.accessToken, session?.refreshToken]).toEqual([undefined, "rt"]);
  });

  test("cannot sign out in a Server Component, whoever is signed in", async () => {
    current.writable = false;
    for (const signOut of [auth.deleteSession, auth.actions.logout]) {
      expect(await signOut()).toEqual({ success: false, error: expect.stringContaining("a Server Component cannot set cookies") });
    }
  });

  test("refuses a session that does not fit into three chunks", async () => {
    expect(await auth.createSession({ id: "1", large: "x".repeat(12_000) })).toMatchObject({
      success: false,
      error: expect.stringContaining("too large"),
    });
    expect(current.set.size).toBe(0);
  });

  test("does not believe headers or handoff cookies that nobody removed", async () => {
    current.headers.set("X-Session-Data", Buffer.from(JSON.stringify(session())).toString("base64url"));
    current.sent.set("session.set", Buffer.from('{"user":{"id":"1"}}').toString("base64url"));
    current.sent.set("session", "tampered");
    expect(await auth.getSession()).toBeNull();
  });

  test("asks for a secret, or for Caddy", async () => {
    vi.stubEnv("SESSION_SECRET", "");
    await expect(auth.getSession()).rejects.toThrow(/^Set SESSION_SECRET .*, or open the app through Caddy\.$/);
  });

  test.each([{ secureCookie: true }, { sameSite: "none" as const }])("uses the __Host- prefix for a Secure cookie, which browsers want of SameSite=None: %j", async (session) => {
    await NextAuthSession({ session }).createSession({ id: "1" });
    expect([...current.set.keys()]).toEqual(["__Host-session"]);
    const attributes = { secure: true, path: "/", ...("sameSite" in session && session) };
    expect(current.set.get("__Host-session")?.options).toMatchObject(attributes);
    nextRequest();
    await NextAuthSession({ session }).deleteSession();
    expect(current.set.get("__Host-session")?.options).toMatchObject({ ...attributes, maxAge: 0 }); // browsers ignore it otherwise
  });
});

describe("handlers()", () => {
  const { GET, POST, PATCH, DELETE } = NextAuthSession({ session: { clientUpdate: ["name"], refreshThreshold: 3600 } }).handlers();
  const request = (method: string, body?: string, headers: object = {}) =>
    new Request("http://localhost:3000/api/session", {
      method,
      body,
      headers: { ...(body ? { "Content-Type": "application/json" } : undefined), Host: "localhost:3000", ...headers },
    });
  const login = async () => {
    await auth.createSession({ id: "1", name: "Ada", role: "user" }, { accessToken: "at" });
    nextRequest();
  };

  test("GET tells nobody or the session, without tokens", async () => {
    const anonymous = await GET(request("GET"));
    expect(await anonymous.json()).toEqual({ session: null, refreshThreshold: 3600 });
    expect(anonymous.headers.get("Cache-Control")).toBe("private, no-store");
    await login();
    const body = await (await GET(request("GET"))).json();
    expect(body.session.user).toEqual({ id: "1", name: "Ada", role: "user" });
    expect(body.session).not.toHaveProperty("accessToken");
  });

  test("GET refreshes a session when less than the threshold is left", async () => {
    vi.useFakeTimers();
    await login();
    vi.advanceTimersByTime(7 * 24 * 3_600_000 - 3_599_000);
    await GET(request("GET", undefined, { Purpose: "prefetch" })); // how SessionProvider asks whether the session has ended
    expect(current.set.has("session")).toBe(false);
    const body = await (await GET(request("GET"))).json();
    expect(body.session.expiresAt).toBe(Date.now() + 7 * 24 * 3_600_000);
    expect(current.set.has("session")).toBe(true);
  });

  test("GET refreshes nothing before that, nor with autoRefresh off", async () => {
    vi.useFakeTimers();
    await login();
    vi.advanceTimersByTime(7 * 24 * 3_600_000 - 3_601_000);
    expect((await GET(request("GET"))).status).toBe(200);
    vi.advanceTimersByTime(2000);
    expect((await NextAuthSession({ session: { refreshThreshold: 3600, autoRefresh: false } }).handlers().GET(request("GET"))).status).toBe(200);
    expect(current.set.size).toBe(0);
  });

  test("POST says why onRefresh refuses", async () => {
    await login();
    const response = await NextAuthSession({ session: { onRefresh: () => null } }).handlers().POST(request("POST"));
    expect([response.status, (await response.json()).detail]).toEqual([400, "onRefresh refused the refresh."]);
    expect(current.set.size).toBe(0);
  });

  test.each([
    { "Sec-Fetch-Site": "same-origin" },
    { "Sec-Fetch-Site": "none" },
    { Origin: "http://localhost:3000" },
    { Origin: "https://localhost:3000" }, // behind a proxy with TLS
    { "Content-Type": "Application/JSON; charset=utf-8" },
  ])("a change from the site itself passes: %j", async (headers) => {
    await login();
    expect((await PATCH(request("PATCH", '{"user":{"name":"Grace"}}', headers))).status).toBe(200);
  });

  test("no answer is for a cache, and none is anything but what it says", async () => {
    const answers = [await GET(request("GET")), await POST(request("POST")), await DELETE(request("DELETE"))];
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 200]);
    for (const { headers } of answers) {
      expect([headers.get("Cache-Control"), headers.get("X-Content-Type-Options")]).toEqual(["private, no-store", "nosniff"]);
    }
  });

  test("POST refreshes, and is 401 without a session", async () => {
    expect((await POST(request("POST"))).status).toBe(401);
    await login();
    expect((await POST(request("POST"))).status).toBe(200);
    expect(current.set.has("session")).toBe(true);
  });

  test("POST with a body is 400, as in Caddy: whoever sends one expects it to count", async () => {
    await login();
    const response = await POST(request("POST", '{"user":{"name":"Grace"}}'));
    expect([response.status, (await response.json()).detail]).toEqual([400, "A refresh takes no body. Use PATCH to change the user."]);
    expect(current.set.size).toBe(0);
  });

  test.each(["Grace", '","constructor":"'])("PATCH replaces fields that clientUpdate names: %s", async (name) => {
    await login();
    const body = await (await PATCH(request("PATCH", JSON.stringify({ user: { name } })))).json();
    expect(body.session.user).toEqual({ id: "1", name, role: "user" });
  });

  test.each([
    [403, '{"user":{"name":"Grace","role":"admin"}}', {}, "user.role"],
    [403, '{"user":{"id":"2"}}', {}, "user.id"],
    [400, "{}", {}, "JSON object"],
    [400, '{"user":{"name":"x"},"expiresAt":1}', {}, "JSON object"],
    [400, '{"user":{"name":"x","name":"y"}}', {}, "JSON object"],
    [400, "user", {}, "JSON object"],
    [400, '{"user":null}', {}, "JSON object"],
    [400, '{"user":["name"]}', {}, "JSON object"],
    [400, '{"user":{"name":{"constructor":2}}}', {}, "constructor"],
    [400, '{"user":{"name":[{"__proto__":{"a":1}}]}}', {}, "__proto__"],
    [415, '{"user":{"name":"x"}}', { "Content-Type": "text/plain" }, "application/json"],
    [415, '{"user":{"name":"x"}}', { "Content-Type": "text/plain; a=application/json" }, "application/json"],
    [415, '{"user":{"name":"x"}}', { "Content-Type": "application/jsonp" }, "application/json"],
    [415, '{"user":{"name":"x"}}', { "Content-Encoding": "gzip" }, "without a Content-Encoding"],
    [413, JSON.stringify({ user: { name: "x".repeat(65_536) } }), {}, "64 KiB"],
    [413, JSON.stringify({ user: { name: "x".repeat(20_000) } }), {}, "too large"],
    [403, '{"user":{"name":"x"}}', { "Sec-Fetch-Site": "cross-site" }, "another site"],
    [403, '{"user":{"name":"x"}}', { Origin: "https://evil.example" }, "another site"],
    [403, '{"user":{"name":"x"}}', { Origin: "null" }, "another site"],
  ])("PATCH is %i (case %#)", async (status, body, headers, detail) => {
    await login();
    const response = await PATCH(request("PATCH", body, headers));
    expect(response.status).toBe(status);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    const problem = await response.json();
    expect(problem).toEqual({ type: "about:blank", title: expect.any(String), status, detail: expect.stringContaining(detail) });
    expect(current.set.size).toBe(0);
  });

  test("DELETE signs out, as often as it is sent", async () => {
    await login();
    expect(await (await DELETE(request("DELETE"))).json()).toEqual({ session: null });
    nextRequest();
    expect(await auth.getSession()).toBeNull();
    expect((await DELETE(request("DELETE"))).status).toBe(200);
  });

  test("DELETE signs out whatever onValidate does, which runs once where it is asked", async () => {
    const onValidate = vi.fn(() => true);
    const checked = NextAuthSession({ session: { onValidate } }).handlers();
    await login();
    expect((await checked.POST(request("POST"))).status).toBe(200);
    expect(onValidate).toHaveBeenCalledOnce();
    onValidate.mockImplementation(() => {
      throw new Error("the database is down");
    });
    await expect(checked.GET(request("GET"))).rejects.toThrow("the database is down");
    expect((await checked.DELETE(request("DELETE"))).status).toBe(200);
    expect(current.set.get("session")?.options.maxAge).toBe(0);
  });

  // Next.js 14 gives the parameters, newer ones a promise of them; a test of the app may call without.
  const called: [string, (request: Request, handler: typeof GET, names: string[]) => Promise<Response>][] = [
    ["Next.js 14", (request, handler, session) => handler(request, { params: { session } })],
    ["Next.js 15", (request, handler, session) => handler(request, { params: Promise.resolve({ team: "a", session }) })],
    ["nobody's parameters", (request, handler) => handler(request)],
  ];
  const at = (path: string, method: string) => new Request(`http://localhost:3000/api/session/${path}`, { method, headers: { Host: "localhost:3000" } });

  test.each(called)("what Caddy has below its path is 404, and ends no session (%s)", async (_, call) => {
    await login();
    for (const [method, handler, path] of [["DELETE", DELETE, "others"], ["DELETE", DELETE, "all"], ["GET", GET, "list"], ["POST", POST, "all"], ["PATCH", PATCH, "all"]] as const) {
      const response = await call(at(path, method), handler, [path]);
      expect([response.status, response.headers.get("Content-Type")]).toEqual([404, "application/problem+json"]);
      expect((await response.json()).detail).toBe("Only Caddy knows the user's other sessions: open the app through Caddy.");
    }
    expect(current.set.size).toBe(0);
  });

  test.each(called)("so is what it has not (%s)", async (_, call) => {
    await login();
    for (const path of ["other", "all/x", "toString"]) {
      const response = await call(at(path, "DELETE"), DELETE, path.split("/"));
      expect([response.status, (await response.json()).detail]).toEqual([404, "The session API has no such path."]);
    }
    expect(current.set.size).toBe(0);
  });

  test("wherever the app has the route", async () => {
    await login();
    const elsewhere = new Request("http://localhost:3000/account/api/all", { method: "DELETE", headers: { Host: "localhost:3000" } });
    expect((await DELETE(elsewhere, { params: Promise.resolve({ rest: ["all"] }) })).status).toBe(404);
    expect(current.set.size).toBe(0);
  });

  test("its own path has no parameters", async () => {
    await login();
    for (const params of [{}, { session: undefined }, Promise.resolve({})]) expect((await GET(request("GET"), { params })).status).toBe(200);
    expect((await DELETE(request("DELETE"), { params: Promise.resolve({}) })).status).toBe(200);
    expect(current.set.get("session")?.value).toBe("");
  });

  test("behind Caddy it names session_api", async () => {
    current.behindCaddy(session());
    const response = await GET(request("GET"));
    expect(response.status).toBe(404);
    expect((await response.json()).detail).toContain("session_api");
  });
});
