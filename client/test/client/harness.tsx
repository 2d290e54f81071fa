import * as React from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, vi } from "vitest";
import { location, router } from "./navigation.js";
import type { Session } from "../../src/types.js";

// React 18.2 keeps act in react-dom/test-utils, React 19 in react.
type Act = (work: () => unknown) => Promise<void>;
const testUtils = "react-dom/test-utils";
export const act: Act = ((React as { act?: unknown }).act ?? (await import(/* @vite-ignore */ testUtils)).act) as Act;

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;

export { location, router };

export const HOUR = 60 * 60 * 1000;

export function session(user: object = {}, left = 24 * HOUR, now = Date.now()): Session {
  return {
    user: { id: "1", name: "Ada", ...user },
    createdAt: now,
    lastActivity: now,
    expiresAt: now + left,
    expiryDate: new Date(now + left).toISOString(),
  };
}

/** The session API as Caddy answers it, kept in memory. */
export class FakeAPI {
  requests: string[] = [];
  session: Session | null = null;
  refreshThreshold = 24 * 60 * 60;
  lifetime = 24 * HOUR;
  /** Reads slide the session, as when it is due, and its end is the end: by a clock that the browser's is ahead of by so many milliseconds. */
  behind?: number;
  /** Answers instead of the API: an error page, or no network. */
  broken?: () => Response | Promise<Response>;
  /** Holds answers back until it resolves. */
  held?: Promise<void>;

  count(method: string) {
    return this.requests.filter((request) => request.startsWith(`${method} `)).length;
  }

  fetch = async (path: string, { method = "GET", headers, body }: RequestInit = {}): Promise<Response> => {
    this.requests.push(`${method} ${path}`);
    if (this.behind !== undefined && this.session) {
      const now = Date.now() - this.behind;
      if (now >= this.session.expiresAt) this.session = null;
      else if (method === "GET" && new Headers(headers).get("Purpose") !== "prefetch") this.session = session(this.session.user, this.lifetime, now);
    }
    const answer = this.broken ? await this.broken() : this.answer(method, body as string | undefined);
    await this.held;
    return answer;
  };

  private answer(method: string, body?: string): Response {
    if (method === "DELETE") this.session = null;
    if (method === "POST" || method === "PATCH") {
      if (!this.session) return problem(401, "Nobody is signed in.");
      const now = Date.now();
      const user = { ...this.session.user, ...JSON.parse(body ?? "{}").user };
      if ("role" in user) return problem(403, "user.role may not be changed.");
      this.session = { ...session(user, this.lifetime, now), createdAt: this.session.createdAt };
    }
    return Response.json({ session: this.session, refreshThreshold: this.refreshThreshold });
  }
}

export function problem(status: number, detail: string) {
  return new Response(JSON.stringify({ status, detail }), { status, headers: { "Content-Type": "application/problem+json" } });
}

export let api: FakeAPI;
let roots: Root[] = [];

beforeEach(() => {
  api = new FakeAPI();
  location.pathname = "/";
  vi.stubGlobal("fetch", (path: string, init?: RequestInit) => api.fetch(path, init));
  vi.spyOn(console, "error");
  vi.spyOn(console, "warn");
});

afterEach(async () => {
  await act(() => roots.forEach((root) => root.unmount()));
  roots = [];
  vi.useRealTimers();
  await settle(); // what was left for later is done before the next test counts
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  router.refresh.mockReset();
  router.replace.mockReset();
});

/** Renders into the document and waits until nothing is left to do. */
export async function render(element: React.ReactNode) {
  const container = document.body.appendChild(document.createElement("div"));
  const root = createRoot(container);
  roots.push(root);
  const rerender = (next: React.ReactNode) => act(() => root.render(next));
  await rerender(element);
  return { text: () => container.textContent, rerender };
}

/** Lets requests, messages between tabs and effects come to an end. */
export async function settle(milliseconds = 0) {
  await act(() => new Promise((resolve) => setTimeout(resolve, milliseconds)));
}

export function track(root: Root) {
  roots.push(root);
  return root;
}
