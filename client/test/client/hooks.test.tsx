import { useEffect } from "react";
import { describe, expect, test, vi } from "vitest";
import { SessionProvider, useRequireAuth, useSession, useSessionExpiry, useUser, type UseSession } from "../../src/client/index.js";
import { act, api, HOUR, location, render, router, session, settle } from "./harness.js";

async function hook<T>(use: () => T, props: Partial<Parameters<typeof SessionProvider>[0]> = {}) {
  const result = {} as { current: T };
  function Use() {
    result.current = use();
    return null;
  }
  await render(<SessionProvider {...props} children={<Use />} />);
  return result;
}

describe("useSession", () => {
  test("outside a provider says what to do", async () => {
    vi.mocked(console.error).mockImplementation(() => {});
    function Use() {
      useSession();
      return null;
    }
    await expect(render(<Use />)).rejects.toThrow(/Put a <SessionProvider>/);
  });

  test("refresh moves the expiry and returns the session", async () => {
    api.session = session({}, HOUR);
    const { current } = await hook(useSession);
    let result: unknown;
    await act(async () => (result = await current.refresh()));
    expect(result).toEqual({ success: true, session: api.session });
    expect(api.session.expiresAt).toBeGreaterThan(Date.now() + 2 * HOUR);
  });

  test("update replaces the named fields and keeps the others", async () => {
    api.session = session({ email: "ada@example.com" });
    const result = await hook(useSession);
    await act(() => result.current.update({ user: { name: "Grace" } }));
    expect(result.current.session?.user).toEqual({ id: "1", name: "Grace", email: "ada@example.com" });
  });

  test("update without a user is a refresh", async () => {
    api.session = session();
    const result = await hook(useSession);
    await act(() => result.current.update({}));
    expect(api.requests).toEqual(["GET /api/session", "POST /api/session"]);
  });

  test("a refused update resolves to an error and changes nothing", async () => {
    api.session = session();
    const result = await hook(useSession);
    let outcome: unknown;
    await act(async () => (outcome = await result.current.update({ user: { role: "admin" } })));
    expect(outcome).toEqual({ success: false, error: "user.role may not be changed." });
    expect(result.current.status).toBe("authenticated");
  });

  test("logout is DELETE, then router.refresh()", async () => {
    api.session = session();
    const result = await hook(useSession);
    let outcome: unknown;
    router.refresh.mockImplementation(() => expect(api.requests.at(-1)).toBe("DELETE /api/session"));
    await act(async () => (outcome = await result.current.logout()));
    await settle();
    expect(outcome).toEqual({ success: true });
    expect(result.current).toMatchObject({ status: "unauthenticated", session: null });
    expect(router.refresh).toHaveBeenCalledTimes(1);
  });

  test("logout renders Server Components again where the hooks knew nobody", async () => {
    api.session = session();
    const result = await hook(useSession, { fetchOnMount: false });
    expect(result.current.status).toBe("unauthenticated");
    await act(() => result.current.logout());
    await settle();
    expect(api.requests).toEqual(["DELETE /api/session"]);
    expect(router.refresh).toHaveBeenCalledTimes(1);
  });

  test("a logout that failed says so and refreshes nothing", async () => {
    api.session = session();
    const result = await hook(useSession);
    api.broken = () => Promise.reject(new TypeError("Failed to fetch"));
    let outcome: Awaited<ReturnType<UseSession["logout"]>> | undefined;
    await act(async () => (outcome = await result.current.logout()));
    await settle();
    expect(outcome).toMatchObject({ success: false, error: "DELETE /api/session: TypeError: Failed to fetch" });
    expect(router.refresh).not.toHaveBeenCalled();
    expect(result.current.status).toBe("authenticated");
  });

  test("its functions stay the same from render to render", async () => {
    api.session = session();
    const result = await hook(useSession);
    const { refresh, update, logout } = result.current;
    await act(() => result.current.refresh());
    expect(result.current).toMatchObject({ refresh, update, logout });
  });
});

test("useUser gives the user", async () => {
  api.session = session();
  const result = await hook(useUser);
  expect(result.current).toEqual({ user: api.session.user, isAuthenticated: true, isLoading: false });
});

test("what has been taken off the page has no timer that goes on", async () => {
  vi.useFakeTimers();
  function Use() {
    useSessionExpiry();
    useRequireAuth();
    return null;
  }
  const props = { initialSession: session({}, 24 * HOUR), fetchOnMount: false, refreshInterval: HOUR };
  const page = await render(<SessionProvider {...props} children={<Use />} />);
  expect(vi.getTimerCount()).toBe(4); // the last hour, the end twice, the interval
  await page.rerender(<SessionProvider {...props} />);
  expect(vi.getTimerCount()).toBe(2);
  await page.rerender(null);
  expect(vi.getTimerCount()).toBe(0);
});

describe("useSessionExpiry", () => {
  test("counts down when recalculated, and never below zero", async () => {
    vi.useFakeTimers();
    api.session = session({}, 5000);
    const result = await hook(
      () => {
        const expiry = useSessionExpiry();
        const { recalculate } = expiry;
        useEffect(() => {
          const interval = setInterval(recalculate, 1000);
          return () => clearInterval(interval);
        }, [recalculate]);
        return expiry;
      },
      { initialSession: api.session, fetchOnMount: false, autoActivityRefresh: false },
    );
    expect(result.current).toMatchObject({ expiresAt: Date.now() + 5000, expiresIn: 5000, isExpiringSoon: true });
    await act(() => vi.advanceTimersByTimeAsync(2000));
    expect(result.current.expiresIn).toBe(3000);
    await act(() => vi.advanceTimersByTimeAsync(20_000));
    expect(result.current.expiresIn).toBe(0);
  });

  test("is expiring soon from one hour left", async () => {
    vi.useFakeTimers();
    const result = await hook(useSessionExpiry, { initialSession: session({}, HOUR + 1000), fetchOnMount: false });
    expect(result.current.isExpiringSoon).toBe(false);
    await act(() => vi.advanceTimersByTimeAsync(1000));
    expect(result.current.isExpiringSoon).toBe(true);
  });

  test("wakes up for a session of more days than one timer can wait, though timers stand still while a computer sleeps", async () => {
    vi.useFakeTimers();
    api.session = session({}, 60 * 24 * HOUR);
    const { expiresAt } = api.session;
    const result = await hook(useSessionExpiry, { initialSession: api.session, fetchOnMount: false, autoActivityRefresh: false });
    await act(() => vi.advanceTimersByTimeAsync(60_000));
    expect(result.current.isExpiringSoon).toBe(false);
    vi.setSystemTime(expiresAt - HOUR - 1);
    await act(() => vi.advanceTimersByTimeAsync(30_000));
    expect(result.current.isExpiringSoon).toBe(true);
    expect(api.requests).toEqual([]);
    api.session = null;
    vi.setSystemTime(expiresAt + HOUR);
    await act(() => vi.advanceTimersByTimeAsync(30_000));
    expect(result.current.expiresAt).toBeNull();
  });

  test("knows nothing without a session", async () => {
    const result = await hook(useSessionExpiry, { fetchOnMount: false });
    expect(result.current).toMatchObject({ expiresAt: null, expiresIn: null, isExpiringSoon: false });
  });
});

describe("useRequireAuth", () => {
  /** Shows an address, of which the router does not know the base path. */
  function visit(address: string, pathname: string) {
    (window as unknown as { happyDOM: { setURL(url: string): void } }).happyDOM.setURL(`https://app.example.com${address}`);
    location.pathname = pathname;
  }

  test("sends a visitor who is not signed in to the login page, once, with return_to", async () => {
    visit("/base/dashboard?tab=a%26b", "/dashboard");
    const result = await hook(() => useRequireAuth());
    await settle();
    expect(router.replace.mock.calls).toEqual([["/login?return_to=%2Fbase%2Fdashboard%3Ftab%3Da%2526b"]]);
    expect(result.current).toEqual({ isLoading: false, isAuthenticated: false });
  });

  test.each(["/base", "/base/"])("returns to the front page of an app at %s", async (address) => {
    visit(address, "/");
    await hook(() => useRequireAuth());
    await settle();
    expect(router.replace.mock.calls).toEqual([[`/login?return_to=${encodeURIComponent(address)}`]]);
  });

  test.each([
    ["/login?x=1", "/login?x=1&return_to=%2Fdashboard"],
    ["/login#form", "/login?return_to=%2Fdashboard#form"],
    ["/login?x=1#/a?b", "/login?x=1&return_to=%2Fdashboard#/a?b"],
    ["/login#a?b#c", "/login?return_to=%2Fdashboard#a?b#c"],
    ["https://login.example.com/?app=1", "https://login.example.com/?app=1&return_to=%2Fdashboard"],
  ])("keeps what %s has of its own", async (path, target) => {
    visit("/dashboard", "/dashboard");
    await hook(() => useRequireAuth(path));
    await settle();
    expect(router.replace.mock.calls).toEqual([[target]]);
  });

  test.each([
    ["/sign-in?from=app", "/sign-in"],
    ["/sign-in#form", "/sign-in"],
    ["/sign-in", "/sign-in"],
    ["/sign-in", "/sign-in/"], // Next.js with trailingSlash
    ["/sign-in?from=app", "/sign-in/"],
    ["/sign-in/", "/sign-in"],
    ["/sign-in/", "/sign-in/"],
    ["/", "/"],
  ])("does not send the login page %s to itself when it is shown at %s", async (path, shown) => {
    visit(shown, shown);
    await hook(() => useRequireAuth(path));
    await settle();
    expect(router.replace).not.toHaveBeenCalled();
  });

  test("sends a page below the login page's path to it", async () => {
    visit("/login/help/", "/login/help/");
    await hook(() => useRequireAuth());
    await settle();
    expect(router.replace.mock.calls).toEqual([["/login?return_to=%2Flogin%2Fhelp%2F"]]);
  });

  test("waits while loading", async () => {
    api.broken = () => Promise.reject(new TypeError("Failed to fetch"));
    const result = await hook(() => useRequireAuth());
    expect(result.current).toEqual({ isLoading: true, isAuthenticated: false });
    expect(router.replace).not.toHaveBeenCalled();
  });

  test("lets a user stay", async () => {
    api.session = session();
    const result = await hook(() => useRequireAuth());
    expect(result.current).toEqual({ isLoading: false, isAuthenticated: true });
    expect(router.replace).not.toHaveBeenCalled();
  });
});
