import { describe, expect, test, vi } from "vitest";
import { SessionProvider, useSession, type UseSession } from "../../src/client/index.js";
import { act, api, HOUR, render, router, session, settle } from "./harness.js";

async function page(props: Partial<Parameters<typeof SessionProvider>[0]> = {}) {
  const hook = {} as { current: UseSession };
  function Use() {
    hook.current = useSession();
    return null;
  }
  const element = (changed = {}) => <SessionProvider {...props} {...changed} children={<Use />} />;
  const { rerender } = await render(element());
  await settle();
  return { hook, rerender: (changed: typeof props) => rerender(element(changed)) };
}

const grace = () => session({ id: "2", name: "Grace" });

describe("Server Components are rendered again", () => {
  test.each([
    ["a sign-in", null, session()],
    ["the sign-in of somebody else", session(), grace()],
    ["a sign-out", session(), null],
  ])("once when refresh() tells of %s elsewhere", async (_, before, after) => {
    api.session = before;
    const { hook } = await page();
    expect(router.refresh).not.toHaveBeenCalled();
    api.session = after;
    await act(() => hook.current.refresh());
    await settle();
    expect(hook.current.session?.user.id).toBe(after?.user.id);
    expect(router.refresh).toHaveBeenCalledTimes(1);
  });

  test("when the session's time is up", async () => {
    vi.useFakeTimers();
    api.session = session({}, 60_000);
    await render(<SessionProvider autoActivityRefresh={false} />);
    api.session = null;
    await act(() => vi.advanceTimersByTimeAsync(61_000));
    await act(() => vi.advanceTimersByTimeAsync(1));
    expect(router.refresh).toHaveBeenCalledTimes(1);
  });

  test("when they have shown somebody who is not signed in any more", async () => {
    api.session = grace();
    await page({ initialSession: session() });
    expect(router.refresh).toHaveBeenCalledTimes(1);
  });
});

describe("Server Components are not rendered again", () => {
  test("for another session of the same user", async () => {
    api.session = session();
    const { hook } = await page();
    await act(() => hook.current.update({ user: { name: "Grace" } }));
    await settle();
    expect(hook.current.session?.user.name).toBe("Grace");
    expect(router.refresh).not.toHaveBeenCalled();
  });

  test("for what they have told themselves", async () => {
    api.session = session();
    const { hook, rerender } = await page({ initialSession: session() });
    for (const initialSession of [grace(), null, session({}, 2 * HOUR)]) {
      await rerender({ initialSession });
      await settle();
      expect(hook.current.session).toEqual(initialSession);
    }
    expect(router.refresh).not.toHaveBeenCalled();
  });
});
