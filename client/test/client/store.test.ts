import { describe, expect, test, vi } from "vitest";
import { createStore } from "../../src/client/store.js";
import { readTracked } from "../../src/client/read-promise.js";
import type { Session } from "../../src/client/index.js";
import { session } from "./harness.js";

/** Answers that a test gives when it likes, in any order. */
function answers() {
  const waiting: { method: string; headers?: unknown; body?: unknown; answer: (body: unknown, init?: ResponseInit) => void }[] = [];
  vi.stubGlobal("fetch", (_: string, { method, headers, body }: RequestInit & { method: string }) => {
    return new Promise<Response>((resolve) => waiting.push({ method, headers, body, answer: (body, init) => resolve(Response.json(body, init)) }));
  });
  return waiting;
}

const tick = () => new Promise((resolve) => setTimeout(resolve));

/** A store whose update was answered after the refresh that was sent later. */
async function answeredLate() {
  const waiting = answers();
  const store = createStore("/api/session", session(), false);
  void store.update({ user: { name: "Grace" } });
  void store.refresh();
  waiting[1]?.answer({ session: session() });
  await tick();
  waiting[0]?.answer({ session: session({ name: "Grace" }) });
  await tick();
  return { waiting, store };
}

describe("late answers", () => {
  const held = session();
  const used = (after: number, user: object) => ({ ...held, user: { ...held.user, ...user }, lastActivity: held.lastActivity! + after });

  test("a read that was sent before a sign-out does not sign in again", async () => {
    const waiting = answers();
    const store = createStore("/api/session", session(), false);
    void store.refetch();
    void store.logout();
    waiting[1]?.answer({ session: null });
    await tick();
    waiting[0]?.answer({ session: session() });
    await tick();
    expect(store.get().status).toBe("unauthenticated");
  });

  test("a read that was sent during an update does not undo it", async () => {
    const waiting = answers();
    const store = createStore("/api/session", session(), false);
    void store.update({ user: { name: "Grace" } });
    void store.refetch();
    waiting[0]?.answer({ session: session({ name: "Grace" }) });
    await tick();
    waiting[1]?.answer({ session: session() });
    await tick();
    expect(store.get().session?.user.name).toBe("Grace");
  });

  test("a refresh that is answered after a sign-out does not sign in again", async () => {
    const waiting = answers();
    const store = createStore("/api/session", session(), false);
    void store.refresh();
    void store.logout();
    waiting[1]?.answer({ session: null });
    await tick();
    waiting[0]?.answer({ session: session() });
    await tick();
    expect(store.get().status).toBe("unauthenticated");
  });

  test("a sign-out that is answered after a later refresh signs out", async () => {
    const waiting = answers();
    const store = createStore("/api/session", session(), false);
    void store.logout();
    void store.refresh();
    waiting[1]?.answer({ session: session() });
    await tick();
    waiting[0]?.answer({ session: null });
    await tick();
    expect(store.get().status).toBe("unauthenticated");
  });

  test("a refresh that was sent after a sign-out, and is answered after it, does not sign in again", async () => {
    const waiting = answers();
    const store = createStore("/api/session", session(), false);
    void store.logout();
    void store.refresh();
    waiting[0]?.answer({ session: null });
    await tick();
    waiting[1]?.answer({ session: session() });
    await tick();
    expect(store.get().status).toBe("unauthenticated");
  });

  test("a 401 to what was sent before another tab signed in signs nobody out", async () => {
    const waiting = answers();
    const store = createStore("/api/session", session(), false);
    void store.refresh();
    store.adopt(session({ name: "Grace" }));
    waiting[0]?.answer({ title: "Unauthorized" }, { status: 401, headers: { "Content-Type": "application/problem+json" } });
    await tick();
    expect(store.get().session?.user.name).toBe("Grace");
    expect(waiting.map(({ method }) => method)).toEqual(["POST", "GET"]);
    waiting[1]?.answer({ session: null });
    await tick();
    expect(store.get().status).toBe("unauthenticated");
  });

  test("an update that is answered after a later refresh is asked for, once", async () => {
    const { waiting, store } = await answeredLate();
    expect(waiting.map(({ method }) => method)).toEqual(["PATCH", "POST", "GET"]);
    waiting[2]?.answer({ session: session({ name: "Grace" }) });
    await tick();
    expect(store.get().session?.user.name).toBe("Grace");
  });

  test("an update that the server did before another one, and is answered after it, does not undo that", async () => {
    const waiting = answers();
    const store = createStore("/api/session", held, false);
    void store.update({ user: { name: "Grace" } });
    void store.update({ user: { email: "grace@example.com" } });
    waiting[0]?.answer({ session: used(20, { name: "Grace", email: "grace@example.com" }) });
    await tick();
    waiting[1]?.answer({ session: used(10, { email: "grace@example.com" }) });
    await tick();
    expect(store.get().session?.user.name).toBe("Grace");
    expect(waiting.map(({ method }) => method)).toEqual(["PATCH", "PATCH", "GET"]);
  });

  test("one late answer among three leaves it to the API what the last one was", async () => {
    const waiting = answers();
    const store = createStore("/api/session", held, false);
    for (const field of ["a", "b", "c"]) void store.update({ user: { [field]: true } });
    // The server did the second, the third and the first.
    waiting[1]?.answer({ session: used(10, { b: true }) });
    await tick();
    waiting[0]?.answer({ session: used(30, { a: true, b: true, c: true }) });
    await tick();
    waiting[2]?.answer({ session: used(20, { b: true, c: true }) });
    await tick();
    expect(waiting.map(({ method }) => method)).toEqual(["PATCH", "PATCH", "PATCH", "GET"]);
  });

  const refused = [{ title: "Forbidden" }, { status: 403, headers: { "Content-Type": "application/problem+json" } }] as const;

  test("a refused update makes no earlier one late", async () => {
    const waiting = answers();
    const store = createStore("/api/session", session(), false);
    void store.update({ user: { name: "Grace" } });
    void store.update({ user: { role: "admin" } });
    waiting[1]?.answer(...refused);
    await tick();
    waiting[0]?.answer({ session: session({ name: "Grace" }) });
    await tick();
    expect(store.get().session?.user.name).toBe("Grace");
    expect(waiting.length).toBe(2);
  });

  test("a late answer is asked for again when a refused update had the question discarded", async () => {
    const { waiting, store } = await answeredLate();
    void store.update({ user: { role: "admin" } });
    waiting[2]?.answer({ session: session({ name: "Grace" }) });
    waiting[3]?.answer(...refused);
    await tick();
    expect(waiting.map(({ method }) => method)).toEqual(["PATCH", "POST", "GET", "PATCH", "GET"]);
    waiting[4]?.answer({ session: session({ name: "Grace" }) });
    await tick();
    expect(store.get().session?.user.name).toBe("Grace");
    void store.update({ user: { role: "admin" } });
    waiting[5]?.answer(...refused);
    await tick();
    expect(waiting.length).toBe(6);
  });

  test("answers in the order of their requests ask nothing more", async () => {
    const waiting = answers();
    const store = createStore("/api/session", held, false);
    void store.refresh();
    void store.update({ user: { name: "Grace" } });
    waiting[0]?.answer({ session: held });
    await tick();
    waiting[1]?.answer({ session: { ...held, user: { ...held.user, name: "Grace" } } });
    await tick();
    expect(store.get().session?.user.name).toBe("Grace");
    expect(waiting.length).toBe(2);
  });

  test("a read afresh does not trust one that is on its way", async () => {
    const waiting = answers();
    const store = createStore("/api/session", session(), false);
    void store.refetch();
    void store.refetch(true);
    waiting[1]?.answer({ session: null });
    await tick();
    waiting[0]?.answer({ session: session() });
    await tick();
    expect(store.get().status).toBe("unauthenticated");
  });

  test("nor does the question of whether the session has ended, which is no use of it", async () => {
    const waiting = answers();
    const store = createStore("/api/session", session(), false);
    void store.refetch();
    const settled = store.look();
    expect(waiting.map(({ headers }) => headers)).toEqual([undefined, { Purpose: "prefetch" }]);
    waiting[1]?.answer({ session: null });
    expect(await settled).toBe(true);
    waiting[0]?.answer({ session: session() });
    await tick();
    expect(store.get().status).toBe("unauthenticated");
  });

  test("nor does what is asked after a late answer", async () => {
    const waiting = answers();
    const store = createStore("/api/session", held, false);
    void store.update({ user: { name: "Grace" } });
    void store.refresh();
    waiting[1]?.answer({ session: { ...held, lastActivity: held.lastActivity! + 1 } });
    await tick();
    void store.refetch();
    waiting[0]?.answer({ session: held });
    await tick();
    expect(waiting.map(({ method }) => method)).toEqual(["PATCH", "POST", "GET", "GET"]);
  });
});

test("a promise that settles after the API has answered does not bring back what the server knew", async () => {
  const waiting = answers();
  const store = createStore("/api/session", new Promise<Session | null>(() => {}), true);
  void store.refetch();
  waiting[0]?.answer({ session: session({ name: "Grace" }) });
  await tick();
  store.settle(session({ name: "Ada" }));
  expect(store.rendered().session?.user.name).toBe("Ada");
  expect(store.get().session?.user.name).toBe("Grace");
});

test("an update is sent as JSON, or Caddy would not read it", () => {
  const waiting = answers();
  void createStore("/api/session", session(), false).update({ user: { name: "Grace" } });
  expect(waiting[0]).toMatchObject({ method: "PATCH", headers: { "Content-Type": "application/json" }, body: '{"user":{"name":"Grace"}}' });
});

test("callers that read or refresh at the same time share a request", async () => {
  const waiting = answers();
  const store = createStore("/api/session", session(), false);
  void Promise.all([store.refetch(), store.refetch(), store.refresh(), store.refresh()]);
  expect(waiting.map(({ method }) => method)).toEqual(["GET", "POST"]);
});

test.each([null, undefined, 5, "x", {}, { user: null }])("an update of nothing (%j) is a refresh", async (updates) => {
  const waiting = answers();
  const result = createStore("/api/session", session(), false).update(updates as never);
  expect(waiting.map(({ method }) => method)).toEqual(["POST"]);
  waiting[0]?.answer({ session: session() });
  expect((await result).success).toBe(true);
});

const circle: Record<string, unknown> = {};
circle.itself = circle;

test.each([
  ["a bigint", { id: "1", age: 7n }, /BigInt/],
  ["a circle", circle, /circular/],
])("an update with %s says what is wrong, without a request", async (_, user, wrong) => {
  const waiting = answers();
  const store = createStore("/api/session", session(), false);
  const result = await store.update({ user: user as never });
  expect(result.success).toBe(false);
  expect(result.error).toMatch(wrong);
  expect(waiting).toEqual([]);
  expect(store.get().status).toBe("authenticated");
});

test.each([{ title: "Forbidden", detail: "" }, { title: "Forbidden", detail: null }, { title: "Forbidden" }])("an update that %j refuses has failed", async (problem) => {
  const waiting = answers();
  const result = createStore("/api/session", session(), false).update({ user: { name: "Grace" } });
  waiting[0]?.answer(problem, { status: 403, headers: { "Content-Type": "application/problem+json" } });
  expect(await result).toMatchObject({ success: false, error: "Forbidden" });
});

test("a click is no update", async () => {
  const waiting = answers();
  void createStore("/api/session", session(), false).update(new MouseEvent("click") as never);
  expect(waiting.map(({ method }) => method)).toEqual(["POST"]);
});

test("without React's use, a promise is thrown until it has settled", async () => {
  const promise = Promise.resolve(1);
  expect(() => readTracked(promise)).toThrow();
  await promise;
  expect(readTracked(promise)).toBe(1);
  const rejected = Promise.reject(new Error("no database"));
  expect(() => readTracked(rejected)).toThrow();
  await tick();
  expect(() => readTracked(rejected)).toThrow("no database");
});

describe("an answer that is not the session API's", () => {
  const answer = (body: BodyInit | null, status: number, type: string) =>
    vi.stubGlobal("fetch", async () => new Response(body, { status, headers: { "Content-Type": type } }));
  const warnings = () => vi.mocked(console.warn).mock.calls.map(([message]) => message);

  test.each([
    ["the app's page", "<h1>404</h1>", 404, "text/html; charset=utf-8"],
    ["the denial of a rule", null, 401, "text/plain"],
    ["the login page", "<h1>Sign in</h1>", 200, "text/html"],
  ])("%s: one warning in development says where to look", async (_, body, status, type) => {
    answer(body, status, type);
    const path = `/api/session-${status}`; // one warning for each path
    const store = createStore(path, session(), false);
    for (const asked of [store.refetch, store.refresh, store.update, store.logout]) await asked();
    expect(warnings()).toEqual([
      `GET ${path} answered ${status}: is session_api in your Caddyfile? Without Caddy, \`next dev\` needs a route with handlers() there.`,
    ]);
    expect(store.get().status).toBe("authenticated");
  });

  test.each([
    ["the API's own refusal", "{}", 403, "application/problem+json"],
    ["a proxy in trouble", null, 502, "text/plain"],
  ])("%s: no warning", async (_, body, status, type) => {
    answer(body, status, type);
    await createStore("/api/session", session(), false).logout();
    expect(warnings()).toEqual([]);
  });

  test("in production a sign-out that did nothing says so, for a button that does not look", async () => {
    vi.stubEnv("NODE_ENV", "production");
    answer("<h1>404</h1>", 404, "text/html");
    vi.mocked(console.error).mockImplementation(() => {});
    expect(await createStore("/api/session", session(), false).logout()).toMatchObject({ success: false, error: "DELETE /api/session answered 404" });
    expect(vi.mocked(console.error).mock.calls).toEqual([["DELETE /api/session answered 404"]]);
    vi.unstubAllEnvs();
  });

  test("in production: no warning", async () => {
    vi.stubEnv("NODE_ENV", "production");
    answer("<h1>404</h1>", 404, "text/html");
    await createStore("/api/session", session(), false).logout();
    vi.unstubAllEnvs();
    expect(warnings()).toEqual([]);
  });
});
