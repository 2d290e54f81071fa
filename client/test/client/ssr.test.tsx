import { PassThrough } from "node:stream";
import { Suspense, type ReactNode } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToPipeableStream, renderToString } from "react-dom/server";
import { describe, expect, test, vi } from "vitest";
import { SessionProvider, useSession, useSessionExpiry, type Session } from "../../src/client/index.js";
import { act, api, session, settle, track } from "./harness.js";
import { location } from "./navigation.js";

function Show() {
  const { status, session } = useSession();
  const { expiresIn, isExpiringSoon } = useSessionExpiry();
  return <p>{`${status} ${session?.user.name ?? "-"} ${expiresIn} ${isExpiringSoon}`}</p>;
}

async function hydrate(html: string, element: ReactNode) {
  const container = document.body.appendChild(document.createElement("div"));
  container.innerHTML = html;
  await act(async () => void track(hydrateRoot(container, element)));
  await settle();
  return container.textContent;
}

/** The server's stream from the moment when nothing is waited for any more. */
function renderToStream(element: ReactNode) {
  return new Promise<string>((resolve, reject) => {
    const sink = new PassThrough();
    sink.setEncoding("utf8");
    let html = "";
    sink.on("data", (chunk: string) => (html += chunk));
    sink.on("end", () => resolve(html));
    const stream = renderToPipeableStream(element, { onAllReady: () => void stream.pipe(sink), onError: reject });
  });
}

/** Server and client share one process and so one context here, which React remarks upon; what counts is that the markup agrees. */
function expectNoHydrationError() {
  const messages = vi.mocked(console.error).mock.calls.map(([message]) => String(message));
  expect(messages.filter((message) => /hydrat|did not match|server render/i.test(message))).toEqual([]);
}

describe("server rendering", () => {
  test("shows the initial session, does not fetch, and hydrates without a warning", async () => {
    const initial = session({}, 1000 * 60);
    const element = <SessionProvider initialSession={initial} children={<Show />} />;
    const html = renderToString(element);
    expect(html).toContain("<p>authenticated Ada null false</p>");
    expect(api.requests).toEqual([]);
    api.session = initial;
    expect(await hydrate(html, element)).toMatch(/^authenticated Ada \d+ true$/);
    expectNoHydrationError();
  });

  test("shows loading without an initial session, and hydrates without a warning", async () => {
    const element = <SessionProvider children={<Show />} />;
    const html = renderToString(element);
    expect(html).toContain("<p>loading - null false</p>");
    expect(await hydrate(html, element)).toBe("unauthenticated - null false");
    expectNoHydrationError();
  });

  test("waits for a promise of the session, and hydrates without a warning", async () => {
    vi.mocked(console.error).mockImplementation(() => {});
    const initial = session();
    const element = (promise: Promise<Session | null>) => (
      <SessionProvider initialSession={promise} fetchOnMount={false}>
        <Suspense fallback="waiting">
          <Show />
        </Suspense>
      </SessionProvider>
    );
    const html = await renderToStream(element(new Promise((resolve) => setTimeout(resolve, 10, initial))));
    expect(html).toContain("<p>authenticated Ada null false</p>");
    expect(await hydrate(html, element(Promise.resolve(initial)))).toMatch(/^authenticated Ada \d+ false$/);
    expectNoHydrationError();
  });

  test("renders what it holds while the path is unknown, as Next.js prerenders with cacheComponents", async () => {
    location.unknown = new Promise(() => {});
    try {
      const html = renderToString(<SessionProvider initialSession={session()} children={<Show />} />);
      expect(html).toContain("<p>authenticated Ada null false</p>");
    } finally {
      delete location.unknown;
    }
  });
});
