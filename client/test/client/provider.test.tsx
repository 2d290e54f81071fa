import { StrictMode, Suspense } from "react";
import { describe, expect, test, vi } from "vitest";
import { SessionProvider, useSession, type Session, type User } from "../../src/client/index.js";
import { act, api, HOUR, location, render, session, settle } from "./harness.js";

const seen: string[] = [];

function Show() {
  const { status, session } = useSession();
  const text = `${status} ${session?.user.name ?? "-"}`;
  seen.push(text);
  return <p>{text}</p>;
}

function Refresh() {
  const { refresh } = useSession();
  return <button id="refresh" onClick={refresh} />;
}

function html(status: number) {
  return () => new Response("<!doctype html><title>Not the API</title>", { status, headers: { "Content-Type": "text/html" } });
}

describe("who is signed in", () => {
  test("is loading until the API has answered", async () => {
    let release = () => {};
    api.held = new Promise((resolve) => (release = resolve));
    api.session = session();
    const page = await render(<SessionProvider children={<Show />} />);
    expect(page.text()).toBe("loading -");
    release();
    await settle();
    expect(page.text()).toBe("authenticated Ada");
  });

  test("is nobody when the API says so", async () => {
    const page = await render(<SessionProvider children={<Show />} />);
    expect(page.text()).toBe("unauthenticated -");
  });

  test("is known at once with initialSession, and checked", async () => {
    api.session = session({ name: "Grace" });
    seen.length = 0;
    const page = await render(<SessionProvider initialSession={session()} children={<Show />} />);
    expect(seen[0]).toBe("authenticated Ada");
    expect(page.text()).toBe("authenticated Grace");
  });

  test("is nobody without initialSession when fetchOnMount is false, and no request is sent", async () => {
    const page = await render(<SessionProvider fetchOnMount={false} children={<Show />} />);
    expect(page.text()).toBe("unauthenticated -");
    expect(api.requests).toEqual([]);
  });

  test("is asked of basePath", async () => {
    await render(<SessionProvider basePath="/app/api/session" children={<Show />} />);
    expect(api.requests).toEqual(["GET /app/api/session"]);
  });

  test.each([true, false])("is asked of a basePath that changes, and not known until then (fetchOnMount %s)", async (fetchOnMount) => {
    api.session = session();
    const changes = vi.fn();
    const element = (basePath: string) => (
      <SessionProvider {...{ basePath, fetchOnMount }} onSessionChange={changes} children={[<Show key="1" />, <Refresh key="2" />]} />
    );
    const page = await render(element("/api/session"));
    await act(() => document.getElementById("refresh")?.click());
    expect(page.text()).toBe("authenticated Ada");
    changes.mockClear();
    seen.length = 0;
    api.requests = [];
    let release = () => {};
    api.held = new Promise((resolve) => (release = resolve));
    await page.rerender(element("/app/api/session"));
    expect(page.text()).toBe("loading -");
    release();
    await settle();
    expect(page.text()).toBe("authenticated Ada");
    expect(seen).not.toContain("unauthenticated -");
    expect(api.requests).toEqual(["GET /app/api/session"]);
    expect(changes).not.toHaveBeenCalled();
  });

  test("is asked once in StrictMode", async () => {
    api.session = session();
    const page = await render(<StrictMode children={<SessionProvider children={<Show />} />} />);
    expect(page.text()).toBe("authenticated Ada");
    expect(api.requests).toEqual(["GET /api/session"]);
  });

  test("is asked again when the path changes, without loading", async () => {
    api.session = session();
    const element = () => <SessionProvider children={<Show />} />;
    const page = await render(element());
    seen.length = 0;
    api.session = null;
    location.pathname = "/other";
    await page.rerender(element());
    expect(page.text()).toBe("unauthenticated -");
    expect(api.count("GET")).toBe(2);
    expect(seen).not.toContain("loading -");
  });

  test("is not asked again when the path changes and refetchOnPathChange is false", async () => {
    const element = () => <SessionProvider refetchOnPathChange={false} children={<Show />} />;
    const page = await render(element());
    location.pathname = "/other";
    await page.rerender(element());
    expect(api.count("GET")).toBe(1);
  });

  test("is asked again when the back/forward cache shows the page as it was left", async () => {
    api.session = session();
    const page = await render(<SessionProvider children={<Show />} />);
    api.session = null;
    const shown = (persisted: boolean) => act(() => window.dispatchEvent(Object.assign(new Event("pageshow"), { persisted })));
    await shown(false);
    await settle();
    expect(api.count("GET")).toBe(1);
    await shown(true);
    await settle();
    expect(page.text()).toBe("unauthenticated -");
  });

  test("is asked again when the session's time is up", async () => {
    vi.useFakeTimers();
    api.session = session({}, 60_000);
    const page = await render(<SessionProvider autoActivityRefresh={false} children={<Show />} />);
    api.session = null;
    await act(() => vi.advanceTimersByTimeAsync(61_000));
    expect(page.text()).toBe("unauthenticated -");
  });

  test.each(["still there, since this clock is ahead", "no answer"])("is asked again after that while it is %s", async (what) => {
    vi.useFakeTimers();
    api.session = session({}, 60_000);
    const page = await render(<SessionProvider autoActivityRefresh={false} children={<Show />} />);
    if (what === "no answer") api.broken = () => Promise.reject(new TypeError("Failed to fetch"));
    await act(() => vi.advanceTimersByTimeAsync(61_000));
    expect(page.text()).toBe("authenticated Ada");
    api.session = null;
    api.broken = undefined;
    await act(() => vi.advanceTimersByTimeAsync(61_000));
    expect(page.text()).toBe("unauthenticated -");
    const asked = api.count("GET");
    await act(() => vi.advanceTimersByTimeAsync(HOUR));
    expect(api.count("GET")).toBe(asked);
  });

  test.each([0, 800, 20_000])("an idle tab whose clock is ahead by %d ms sees it, and keeps no session alive by asking", async (behind) => {
    vi.useFakeTimers();
    Object.assign(api, { behind, lifetime: 60_000, session: session({}, 60_000, Date.now() - behind) });
    const page = await render(<SessionProvider autoActivityRefresh={false} children={<Show />} />);
    await act(() => vi.advanceTimersByTimeAsync(59_000 - behind));
    expect(api.count("GET")).toBe(1);
    await act(() => vi.advanceTimersByTimeAsync(31_500 + behind));
    expect(page.text()).toBe("unauthenticated -");
    expect(api.session).toBeNull();
  });

  test("a tab whose clock runs ahead asks twice a minute then", async () => {
    vi.useFakeTimers();
    api.session = session({}, 60_000);
    await render(<SessionProvider autoActivityRefresh={false} children={<Show />} />);
    await act(() => vi.advanceTimersByTimeAsync(HOUR));
    expect(api.count("GET")).toBe(119);
  });

  test("is asked in time by a tab whose clock is behind by more than the session lasts", async () => {
    vi.useFakeTimers();
    api.session = session({}, HOUR, Date.now() + 2 * HOUR);
    const page = await render(<SessionProvider autoActivityRefresh={false} children={<Show />} />);
    await act(() => vi.advanceTimersByTimeAsync(HOUR));
    expect(api.count("GET")).toBe(1);
    api.session = null;
    await act(() => vi.advanceTimersByTimeAsync(500));
    expect(page.text()).toBe("unauthenticated -");
  });

  test("a tab whose clock is far ahead does not ask without end", async () => {
    vi.useFakeTimers();
    api.session = session({}, -HOUR);
    const page = await render(<SessionProvider children={<Show />} />);
    await act(() => vi.advanceTimersByTimeAsync(10 * 60_000));
    expect(page.text()).toBe("authenticated Ada");
    expect(api.count("GET")).toBe(1);
  });
});

describe("only a definite answer signs anybody out", () => {
  test.each([
    ["no network", () => Promise.reject(new TypeError("Failed to fetch"))],
    ["a 404 page", html(404)],
    ["HTML with status 200", html(200)],
    ["a proxy's 502", html(502)],
    ["a proxy's 401", html(401)],
    ["JSON of another shape", () => Response.json({ message: "hello" })],
    ["JSON that is not an object", () => Response.json(null)],
    ["a session without a user", () => Response.json({ session: {} })],
    ["a problem of the API", () => new Response("{}", { status: 500, headers: { "Content-Type": "application/problem+json" } })],
  ])("%s does not", async (_, broken) => {
    api.broken = broken;
    function Buttons() {
      const { refresh, logout, update } = useSession();
      return (
        <>
          <button id="refresh" onClick={refresh} />
          <button id="logout" onClick={logout} />
          <button id="update" onClick={() => update({ user: { name: "Eve" } })} />
        </>
      );
    }
    const page = await render(<SessionProvider initialSession={session()} children={[<Show key="1" />, <Buttons key="2" />]} />);
    for (const id of ["refresh", "logout", "update"]) {
      document.getElementById(id)?.click();
      await settle();
      expect(page.text()).toBe("authenticated Ada");
    }
    expect(api.requests.length).toBe(4);
  });

  test("a first request that failed is repeated", async () => {
    vi.useFakeTimers();
    api.broken = html(502);
    api.session = session();
    const page = await render(<SessionProvider children={<Show />} />);
    expect(page.text()).toBe("loading -");
    delete api.broken;
    await act(() => vi.advanceTimersByTimeAsync(5000));
    expect(page.text()).toBe("authenticated Ada");
  });

  test("a first request is repeated every five seconds, and one that is only slow is waited for", async () => {
    vi.useFakeTimers();
    api.broken = html(502);
    api.session = session();
    const page = await render(<SessionProvider children={<Show />} />);
    await act(() => vi.advanceTimersByTimeAsync(7000));
    expect(page.text()).toBe("loading -");
    delete api.broken;
    let release = () => {};
    api.held = new Promise((resolve) => (release = resolve));
    await act(() => vi.advanceTimersByTimeAsync(15_000));
    expect(api.count("GET")).toBe(3);
    await act(async () => release());
    await act(() => vi.advanceTimersByTimeAsync(0));
    expect(page.text()).toBe("authenticated Ada");
  });

  test("the API's 401 to a refresh does", async () => {
    const page = await render(
      <SessionProvider initialSession={session()} fetchOnMount={false} children={[<Show key="1" />, <Refresh key="2" />]} />,
    );
    document.getElementById("refresh")?.click();
    await settle();
    expect(page.text()).toBe("unauthenticated -");
  });
});

describe("initialSession", () => {
  test.each([
    ["an update", "authenticated Grace"],
    ["a sign-out", "unauthenticated -"],
  ])("that changes while %s is under way does not undo it", async (what, shown) => {
    api.session = session();
    let release = () => {};
    api.held = new Promise((resolve) => (release = resolve));
    function Change() {
      const { update, logout } = useSession<User & { name: string }>();
      return <button id={what} onClick={what === "an update" ? () => update({ user: { name: "Grace" } }) : logout} />;
    }
    const element = (initial: Session) => (
      <SessionProvider initialSession={initial} fetchOnMount={false} children={[<Show key="1" />, <Change key="2" />]} />
    );
    const page = await render(element(session()));
    await act(() => document.getElementById(what)?.click());
    await page.rerender(element(session({}, 25 * HOUR)));
    await page.rerender(element(session({}, 26 * HOUR)));
    expect(page.text()).toBe("authenticated Ada");
    release();
    await settle();
    expect(page.text()).toBe(shown);
  });

  test("replaces what is known when it changes", async () => {
    api.session = session();
    const page = await render(<SessionProvider initialSession={session()} children={<Show />} />);
    await page.rerender(<SessionProvider initialSession={session({ name: "Grace" })} children={<Show />} />);
    expect(page.text()).toBe("authenticated Grace");
    await page.rerender(<SessionProvider initialSession={null} children={<Show />} />);
    expect(page.text()).toBe("unauthenticated -");
    expect(api.count("GET")).toBe(1);
  });

  test.each([
    ["a session", (late: Session) => late],
    ["a promise", (late: Session) => Promise.resolve(late)],
  ])("that comes late, as %s, does not bring back what it knew", async (_, wrapped) => {
    api.session = session({ name: "Grace" });
    const late = session({ name: "Ada" }, HOUR, Date.now() - 1000);
    const element = (initialSession?: Session | Promise<Session>) => (
      <SessionProvider initialSession={initialSession} children={<Suspense children={<Show />} />} />
    );
    const page = await render(element());
    expect(page.text()).toBe("authenticated Grace");
    await page.rerender(element(wrapped(late)));
    await settle();
    expect(page.text()).toBe("authenticated Grace");
    expect(api.count("GET")).toBe(2);
  });

  test("of equal value keeps what is known", async () => {
    const first = session();
    api.session = session({ name: "Grace" });
    const page = await render(<SessionProvider initialSession={first} children={<Show />} />);
    await page.rerender(<SessionProvider initialSession={structuredClone(first)} children={<Show />} />);
    expect(page.text()).toBe("authenticated Grace");
  });

  test("that a page leaves out, as in the Pages Router, keeps what is known", async () => {
    api.session = session();
    const element = (initialSession?: Session | null) => <SessionProvider initialSession={initialSession} children={<Show />} />;
    const page = await render(element(session()));
    seen.length = 0;
    location.pathname = "/other";
    await page.rerender(element());
    await settle();
    expect(new Set(seen)).toEqual(new Set(["authenticated Ada"]));
    await page.rerender(element(null));
    expect(page.text()).toBe("unauthenticated -");
  });

  test("may be another promise at each render of the layout", async () => {
    const element = (value: Session | null) => (
      <SessionProvider initialSession={Promise.resolve(value)} fetchOnMount={false} children={<Suspense children={<Show />} />} />
    );
    let page = {} as Awaited<ReturnType<typeof render>>;
    const first = element(session());
    await act(async () => (page = await render(first)));
    await settle();
    expect(page.text()).toBe("authenticated Ada");
    const second = element(session({ name: "Grace" }, 25 * HOUR));
    await page.rerender(second);
    await settle();
    expect(page.text()).toBe("authenticated Grace");
  });

  test("may be a promise that no hook waits for: the end of the session is seen", async () => {
    vi.useFakeTimers();
    const onSessionChange = vi.fn();
    const promise = Promise.resolve(session({}, 60_000));
    await render(<SessionProvider initialSession={promise} fetchOnMount={false} autoActivityRefresh={false} onSessionChange={onSessionChange} />);
    await act(() => vi.advanceTimersByTimeAsync(61_000));
    expect(onSessionChange.mock.calls).toEqual([[null]]);
  });

  test.each([
    ["around", (children: React.ReactNode, promise: Promise<Session | null>) => (
      <Suspense fallback="waiting"><SessionProvider initialSession={promise} fetchOnMount={false}>{children}</SessionProvider></Suspense>
    )],
    ["inside", (children: React.ReactNode, promise: Promise<Session | null>) => (
      <SessionProvider initialSession={promise} fetchOnMount={false}><Suspense fallback="waiting">{children}</Suspense></SessionProvider>
    )],
  ])("may be a promise, with Suspense %s the provider", async (_, tree) => {
    let resolve = (_: Session | null) => {};
    const promise = new Promise<Session | null>((done) => (resolve = done));
    const page = await render(tree(<Show />, promise));
    expect(page.text()).toBe("waiting");
    await act(async () => resolve(session()));
    await settle();
    expect(page.text()).toBe("authenticated Ada");
    expect(console.error).not.toHaveBeenCalled();
  });
});

describe("onSessionChange", () => {
  test("tells changes of value, and null after a sign-out", async () => {
    const onSessionChange = vi.fn();
    const first = session();
    api.session = structuredClone(first);
    const element = () => <SessionProvider initialSession={first} onSessionChange={onSessionChange} children={<Show />} />;
    const page = await render(<StrictMode>{element()}</StrictMode>);
    expect(onSessionChange).not.toHaveBeenCalled();

    api.session = session({ name: "Grace" });
    location.pathname = "/2";
    await page.rerender(<StrictMode>{element()}</StrictMode>);
    expect(onSessionChange.mock.calls).toEqual([[api.session]]);

    api.session = null;
    location.pathname = "/3";
    await page.rerender(<StrictMode>{element()}</StrictMode>);
    expect(onSessionChange.mock.calls.length).toBe(2);
    expect(onSessionChange).toHaveBeenLastCalledWith(null);
  });

  test("is silent when a promise of the initial session settles, and speaks when the session changes then", async () => {
    const onSessionChange = vi.fn();
    const initial = Promise.resolve(session());
    const element = () => <SessionProvider initialSession={initial} fetchOnMount={false} onSessionChange={onSessionChange} children={<Show />} />;
    let page = {} as Awaited<ReturnType<typeof render>>;
    await act(async () => (page = await render(element())));
    await settle();
    expect(onSessionChange).not.toHaveBeenCalled();
    location.pathname = "/2";
    await page.rerender(element());
    await settle();
    expect(onSessionChange.mock.calls).toEqual([[null]]);
  });

  test("is silent when nobody was and nobody is signed in", async () => {
    const onSessionChange = vi.fn();
    await render(<SessionProvider onSessionChange={onSessionChange} children={<Show />} />);
    expect(onSessionChange).not.toHaveBeenCalled();
  });
});

describe("refreshInterval", () => {
  test("may be longer than one timer can wait", async () => {
    vi.useFakeTimers();
    const interval = 2 ** 31;
    api.session = session({}, interval);
    vi.spyOn(document, "hidden", "get").mockReturnValue(false);
    await render(<SessionProvider refreshInterval={interval} initialSession={api.session} fetchOnMount={false} autoActivityRefresh={false} children={<Show />} />);
    for (const count of [1, 2]) {
      const due = Date.now() + interval;
      await act(() => vi.advanceTimersByTimeAsync(60_000));
      vi.setSystemTime(due - 30_001);
      await act(() => vi.advanceTimersByTimeAsync(30_000));
      expect(api.count("POST")).toBe(count - 1);
      await act(() => vi.advanceTimersByTimeAsync(1));
      expect(api.count("POST")).toBe(count);
    }
  });

  test("refreshes while the tab is visible", async () => {
    vi.useFakeTimers();
    api.session = session();
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(false);
    await render(<SessionProvider refreshInterval={1000} autoActivityRefresh={false} children={<Show />} />);
    await act(() => vi.advanceTimersByTimeAsync(3500));
    expect(api.count("POST")).toBe(3);
    hidden.mockReturnValue(true);
    await act(() => vi.advanceTimersByTimeAsync(3000));
    expect(api.count("POST")).toBe(3);
  });

  test.each([Infinity, -Infinity, -1, 0, NaN])("%d is never, not a storm", async (refreshInterval) => {
    vi.useFakeTimers();
    api.session = session();
    const interval = vi.spyOn(globalThis, "setInterval");
    vi.spyOn(document, "hidden", "get").mockReturnValue(false);
    await render(<SessionProvider refreshInterval={refreshInterval} autoActivityRefresh={false} initialSession={api.session} children={<Show />} />);
    await act(() => vi.advanceTimersByTimeAsync(3500));
    expect(api.count("POST")).toBe(0);
    expect(interval).not.toHaveBeenCalled(); // timers of a browser are not as patient as these
  });

  test("asks nothing for a visitor who is not signed in", async () => {
    vi.useFakeTimers();
    await render(<SessionProvider refreshInterval={1000} children={<Show />} />);
    await act(() => vi.advanceTimersByTimeAsync(3500));
    expect(api.count("POST")).toBe(0);
  });
});
