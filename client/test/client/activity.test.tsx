import { beforeEach, describe, expect, test, vi } from "vitest";
import { SessionProvider } from "../../src/client/index.js";
import { act, api, HOUR, render, session } from "./harness.js";

const MINUTE = 60_000;

beforeEach(() => {
  vi.useFakeTimers();
});

async function activity(...events: string[]) {
  await act(async () => {
    for (const event of events) document.dispatchEvent(new Event(event));
    await vi.advanceTimersByTimeAsync(0);
  });
}

async function later(milliseconds: number) {
  await act(() => vi.advanceTimersByTimeAsync(milliseconds));
}

describe("activity refreshes the session", () => {
  test.each(["mousemove", "mousedown", "click", "keydown", "touchstart", "scroll", "wheel"])("on %s", async (event) => {
    api.session = session({}, 24 * HOUR);
    api.refreshThreshold = 10 * 60;
    await render(<SessionProvider />);
    await later(10 * MINUTE);
    expect(api.count("POST")).toBe(0);
    await activity(event);
    expect(api.count("POST")).toBe(1);
  });

  test("after the API's threshold, with one request for many events", async () => {
    api.session = session({}, 24 * HOUR);
    api.refreshThreshold = 10 * 60;
    await render(<SessionProvider />);
    await later(10 * MINUTE - 1);
    await activity("mousemove", "keydown");
    expect(api.count("POST")).toBe(0);
    await later(1);
    await activity(...Array<string>(200).fill("mousemove"));
    await activity("keydown", "scroll");
    expect(api.count("POST")).toBe(1);
    await later(10 * MINUTE);
    await activity("mousemove");
    expect(api.count("POST")).toBe(2);
  });

  test("after half the lifetime, if that is less than the threshold", async () => {
    api.session = session({}, HOUR);
    api.lifetime = HOUR;
    await render(<SessionProvider />);
    await later(30 * MINUTE - 1);
    await activity("mousemove");
    expect(api.count("POST")).toBe(0);
    await later(1);
    await activity("mousemove");
    expect(api.count("POST")).toBe(1);
  });

  test("after activityRefreshInterval, if it is given", async () => {
    api.session = session();
    await render(<SessionProvider activityRefreshInterval={5000} />);
    await later(5000);
    await activity("mousemove");
    expect(api.count("POST")).toBe(1);
  });

  test.each([
    [1000, 3],
    [0, 0],
    [-1, 0],
    [NaN, 0],
    [Infinity, 0],
  ])("what is no interval is no request for each event: %d", async (interval, requests) => {
    api.session = session();
    await render(<SessionProvider activityRefreshInterval={interval} />);
    for (let second = 0; second < 3; second++) {
      await later(1000);
      for (let event = 0; event < 20; event++) await activity("mousemove");
    }
    expect(api.count("POST")).toBe(requests);
  });

  test("but not every second when the API tells a threshold of 0", async () => {
    api.session = session();
    api.refreshThreshold = 0;
    await render(<SessionProvider />);
    for (let second = 0; second < 10; second++) {
      await later(1000);
      await activity("mousemove");
    }
    expect(api.count("POST")).toBe(0);
  });

  test("at once when the session was last refreshed long ago", async () => {
    const old = session({}, 24 * HOUR, Date.now() - 20 * HOUR);
    await render(<SessionProvider initialSession={old} fetchOnMount={false} />);
    api.session = old;
    await activity("mousemove");
    expect(api.count("POST")).toBe(1);
  });

  test("but not one that was refreshed just now, however long ago it began", async () => {
    const used = { ...session(), createdAt: Date.now() - 20 * HOUR };
    await render(<SessionProvider initialSession={used} fetchOnMount={false} activityRefreshInterval={30 * MINUTE} />);
    api.session = used;
    await activity("mousemove");
    expect(api.count("POST")).toBe(0);
  });

  test.each([-1, 1])("once, if the tab's clock is %i h off the server's", async (hours) => {
    api.session = session({}, 4 * HOUR, Date.now() + hours * HOUR);
    api.refreshThreshold = 30 * 60;
    vi.spyOn(api, "fetch");
    await render(<SessionProvider initialSession={api.session} fetchOnMount={false} activityRefreshInterval={30 * MINUTE} />);
    await activity("mousemove");
    await later(30 * MINUTE);
    for (let second = 0; second < 60; second++) {
      await later(1000);
      await activity("mousemove");
    }
    expect(api.count("POST")).toBeLessThanOrEqual(2);
    expect(api.count("POST")).toBeGreaterThanOrEqual(1);
  });

  test("once for each interval, if the server's clock stays an hour behind the tab's", async () => {
    const behind = () => session({}, 4 * HOUR, Date.now() - HOUR);
    await render(<SessionProvider initialSession={behind()} fetchOnMount={false} activityRefreshInterval={30 * MINUTE} />);
    api.broken = () => Response.json({ session: behind() });
    for (let minute = 0; minute < 60; minute++) {
      await later(MINUTE);
      await activity("mousemove");
    }
    expect(api.count("POST")).toBe(2);
  });

  test("but not on every event while the API is out of reach", async () => {
    const old = session({}, 24 * HOUR, Date.now() - 20 * HOUR);
    await render(<SessionProvider initialSession={old} fetchOnMount={false} />);
    api.broken = () => Promise.reject(new TypeError("Failed to fetch"));
    for (let second = 0; second < 60; second++) {
      await activity("mousemove");
      await later(1000);
    }
    expect(api.count("POST")).toBe(2);
  });

  test("but not with autoActivityRefresh off, and not for a visitor who is not signed in", async () => {
    const old = session({}, 24 * HOUR, Date.now() - 20 * HOUR);
    const page = await render(<SessionProvider initialSession={old} fetchOnMount={false} autoActivityRefresh={false} />);
    await activity("mousemove");
    await page.rerender(<SessionProvider initialSession={null} fetchOnMount={false} />);
    await activity("mousemove");
    expect(api.count("POST")).toBe(0);
  });
});
