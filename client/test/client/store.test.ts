import { describe, expect, test, vi } from "vitest";
import { createStore } from "../../src/client/store.js";
import { readTracked } from "../../src/client/read-promise.js";
import { session } from "./harness.js";

/** Answers that a test gives when it likes, in any order. */
function answers() {
  const waiting: { method: string; answer: (body: unknown) => void }[] = [];
  vi.stubGlobal("fetch", (_: string, { method }: { method: string }) => {
    return new Promise<Response>((resolve) => waiting.push({ method, answer: (body) => resolve(Response.json(body)) }));
  });
  return waiting;
}

const tick = () => new Promise((resolve) => setTimeout(resolve));

describe("late answers", () => {
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
});

test("callers that read or refresh at the same time share a request", async () => {
  const waiting = answers();
  const store = createStore("/api/session", session(), false);
  void Promise.all([store.refetch(), store.refetch(), store.refresh(), store.refresh()]);
  expect(waiting.map(({ method }) => method)).toEqual(["GET", "POST"]);
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
