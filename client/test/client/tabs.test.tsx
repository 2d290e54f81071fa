import { describe, expect, test, vi } from "vitest";
import { SessionProvider, useSession, type UseSession } from "../../src/client/index.js";
import { act, api, HOUR, render, router, session, settle } from "./harness.js";

/** Providers do not share memory, so two of them agree as two tabs do: through BroadcastChannel and the API. */
async function tab(props: Partial<Parameters<typeof SessionProvider>[0]> = {}) {
  const result = {} as { current: UseSession };
  function Use() {
    result.current = useSession();
    return null;
  }
  await render(<SessionProvider {...props} children={<Use />} />);
  await settle(50);
  return result;
}

/** Lets messages between tabs arrive while timers are held. */
const turns = () => act(async () => { for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done)); });

test.each([
  ["missing", undefined],
  ["forbidden, as in Firefox with cookies blocked", class { constructor() { throw new DOMException("The operation is insecure.", "SecurityError"); } }],
])("a BroadcastChannel that is %s takes no page down", async (_, channel) => {
  vi.stubGlobal("BroadcastChannel", channel);
  api.session = session();
  const one = await tab();
  expect(one.current.status).toBe("authenticated");
  await act(() => one.current.logout());
  expect(one.current.status).toBe("unauthenticated");
});

describe("tabs agree", () => {
  test("on a sign-out, and the other renders its Server Components again", async () => {
    api.session = session();
    const [one, two] = [await tab(), await tab()];
    await act(() => one.current.logout());
    await settle(50);
    expect(two.current.status).toBe("unauthenticated");
    expect(router.refresh).toHaveBeenCalledTimes(2);
  });

  test("on a sign-out of which the API cannot be asked at once", async () => {
    api.session = session();
    const one = await tab();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    api.session = null;
    api.broken = () => new Response("bad gateway", { status: 502 });
    const other = new BroadcastChannel("caddy-session-guard /api/session");
    other.postMessage(null);
    other.postMessage(one.current.session); // a tab that does not know yet
    await turns();
    expect(api.count("GET")).toBe(2);
    expect(one.current.status).toBe("authenticated");
    api.broken = undefined;
    vi.advanceTimersByTime(6000);
    await turns();
    expect(one.current.status).toBe("unauthenticated");
    other.close();
    vi.useRealTimers();
  });

  test.each(["while it is shown", "no more when it is gone"])("on the newest of many messages without an answer, %s", async (when) => {
    api.session = session();
    const page = await render(<SessionProvider />);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    api.broken = () => new Response("bad gateway", { status: 502 });
    const other = new BroadcastChannel("caddy-session-guard /api/session");
    for (const _ of "123") other.postMessage(null);
    await turns();
    if (when !== "while it is shown") await page.rerender(null);
    for (const _ of "123") {
      api.requests = [];
      vi.advanceTimersByTime(5000);
      await turns();
      expect(api.requests).toEqual(when === "while it is shown" ? ["GET /api/session"] : []);
    }
    other.close();
    vi.useRealTimers();
  });

  test("on a sign-in that ended in a new document", async () => {
    const one = await tab();
    expect(one.current.status).toBe("unauthenticated");
    api.session = session();
    await tab({ initialSession: api.session, fetchOnMount: false });
    expect(one.current.status).toBe("authenticated");
    expect(router.refresh).toHaveBeenCalledTimes(1);
  });

  test("on another user", async () => {
    api.session = session();
    const one = await tab();
    api.session = session({ id: "2", name: "Grace" });
    await tab();
    expect(one.current.session?.user.name).toBe("Grace");
    expect(router.refresh).toHaveBeenCalledTimes(1);
  });

  test("on an update, without a request or a render on the server", async () => {
    api.session = session();
    const [one, two] = [await tab(), await tab()];
    const before = api.requests.length;
    await act(() => one.current.update({ user: { name: "Grace" } }));
    await settle(50);
    expect(two.current.session?.user.name).toBe("Grace");
    expect(api.requests.slice(before)).toEqual(["PATCH /api/session"]);
    expect(router.refresh).not.toHaveBeenCalled();
  });

  test("but an old document does not bring back what it knew, and learns what is new", async () => {
    const old = session({ name: "Ada" }, HOUR, Date.now() - HOUR);
    api.session = { ...session({ name: "Grace" }), createdAt: old.createdAt };
    const one = await tab();
    const before = api.requests.length;
    const two = await tab({ initialSession: old, fetchOnMount: false });
    expect([one, two].map((shown) => shown.current.session?.user.name)).toEqual(["Grace", "Grace"]);
    expect(api.requests.length - before).toBe(1);
  });

  test("on what the cookie holds, even if that was used earlier than what they knew", async () => {
    api.session = session();
    const [one, two] = [await tab(), await tab()];
    const truth = { ...api.session, lastActivity: api.session.lastActivity! - 5000, user: { id: "1", name: "Grace" } };
    api.broken = () => Response.json({ session: truth });
    await act(() => one.current.update({ user: { name: "Grace" } }));
    await settle(50);
    expect([one, two].map((shown) => shown.current.session?.user.name)).toEqual(["Grace", "Grace"]);
  });

  test("on which of two logins of a user the cookie is", async () => {
    const before = session({ name: "Ada" }, HOUR, Date.now() - HOUR);
    api.session = session({ name: "Grace" });
    const one = await tab();
    const two = await tab({ initialSession: { ...before, lastActivity: Date.now() + HOUR }, fetchOnMount: false });
    expect([one, two].map((shown) => shown.current.session?.user.name)).toEqual(["Grace", "Grace"]);
  });

  test("on which of two changes in one millisecond was the later", async () => {
    const now = Date.now();
    const [ada, grace] = [session({ name: "Ada" }, HOUR, now), session({ name: "Grace" }, HOUR, now)];
    api.session = ada;
    const one = await tab({ initialSession: ada, fetchOnMount: false });
    const two = await tab({ initialSession: grace, fetchOnMount: false });
    expect([one, two].map((shown) => shown.current.session?.user.name)).toEqual(["Ada", "Ada"]);
  });

  test("and a document from before the sign-out does not sign anybody in", async () => {
    const one = await tab();
    const two = await tab({ initialSession: session(), fetchOnMount: false });
    expect([one.current.status, two.current.status]).toEqual(["unauthenticated", "unauthenticated"]);
    expect(router.refresh).toHaveBeenCalledTimes(1); // in the document that did not know
  });

  test("a tab that is told what is not true says what is, once, however many say it", async () => {
    await tab();
    const other = new BroadcastChannel("caddy-session-guard /api/session");
    const told: unknown[] = [];
    other.onmessage = ({ data }) => told.push(data);
    const before = api.requests.length;
    const wrong = session();
    let answer = () => {};
    api.held = new Promise((resolve) => (answer = resolve));
    for (const _ of "123") other.postMessage(wrong);
    await settle(50);
    answer();
    await settle(50);
    expect([told, api.requests.length - before]).toEqual([[null], 1]);
    other.postMessage(null);
    await settle(50);
    expect([told, api.requests.length - before]).toEqual([[null], 1]);
    other.close();
  });

  test("what another tab says makes none use the session", async () => {
    Object.assign(api, { behind: 0, session: session() });
    await tab({ initialSession: api.session, fetchOnMount: false });
    const before = api.session;
    const other = new BroadcastChannel("caddy-session-guard /api/session");
    other.postMessage(null);
    await settle(50);
    expect([api.count("GET"), api.session]).toEqual([1, before]);
    other.close();
  });

  describe("of eight", () => {
    /** Seven tabs, and how many requests all make because of what comes then. */
    async function seven() {
      api.session = session();
      const tabs = [];
      while (tabs.length < 7) tabs.push(await tab({ initialSession: api.session, fetchOnMount: false }));
      api.requests = [];
      return tabs;
    }
    const trimmed = () => ({ ...api.session!, user: { id: "1" } });

    test("one that was rendered with another value asks, and no other one does", async () => {
      const tabs = await seven();
      tabs.push(await tab({ initialSession: trimmed() }));
      expect(tabs.map((shown) => shown.current.session?.user.name)).toEqual(Array(8).fill("Ada"));
      expect(api.requests).toEqual(["GET /api/session"]);
    });

    test("one that was streamed another value asks, and no other one does", async () => {
      const tabs = await seven();
      let answer = () => {};
      api.held = new Promise((resolve) => (answer = resolve));
      tabs.push(await tab({ initialSession: Promise.resolve(trimmed()) }));
      answer();
      await settle(50);
      expect(tabs.map((shown) => shown.current.session?.user.name)).toEqual(Array(8).fill("Ada"));
      expect(api.requests).toEqual(["GET /api/session"]);
    });

    test("one that does not ask by itself costs each a request", async () => {
      const tabs = await seven();
      tabs.push(await tab({ initialSession: trimmed(), fetchOnMount: false }));
      expect(tabs.map((shown) => shown.current.session?.user.name)).toEqual(Array(8).fill("Ada"));
      expect(api.requests.length).toBe(8);
    });

    test("a sign-out that is none costs each a request", async () => {
      const tabs = [...(await seven()), await tab({ initialSession: api.session, fetchOnMount: false })];
      const other = new BroadcastChannel("caddy-session-guard /api/session");
      other.postMessage(null);
      await settle(50);
      expect(tabs.map((shown) => shown.current.session?.user.name)).toEqual(Array(8).fill("Ada"));
      expect(api.requests.length).toBe(8);
      other.close();
    });
  });
});
