import { afterEach, beforeEach, vi } from "vitest";
import { decodeText, encodeText } from "../../src/base64url.js";
import type { Session } from "../../src/types.js";

export const SECRET = "d4kX0v7Yq2mN9sB1wZ6hT3rC8pL5jF0a";

interface Cookie {
  value: string;
  options: Record<string, unknown>;
}

/** One request as next/headers shows it: cookies that are set can be read again. */
export class FakeRequest {
  headers = new Headers();
  sent = new Map<string, string>();
  set = new Map<string, Cookie>();
  /** Where cookies may be set: in a Server Action or a Route Handler, not in a Server Component. */
  writable = true;

  cookies = {
    get: (name: string) => {
      const value = this.set.get(name)?.value ?? this.sent.get(name);
      return value === undefined ? undefined : { name, value };
    },
    set: (name: string, value: string, options: Record<string, unknown>) => {
      if (!this.writable) throw new Error("Cookies can only be modified in a Server Action or Route Handler. Read more: …");
      this.set.set(name, { value, options });
    },
  };

  /** The request as Caddy passes it on. */
  behindCaddy(session: object | null = null, realm = "default") {
    this.headers.set("X-Session-Realm", realm);
    if (session) this.headers.set("X-Session-Data", encodeText(JSON.stringify(session)));
    return this;
  }

  /** What was handed over in a cookie. */
  handoff(name: string): unknown {
    const cookie = this.set.get(name);
    return cookie && cookie.value ? JSON.parse(decodeText(cookie.value)) : undefined;
  }

  /** The browser's next request. */
  next(): FakeRequest {
    const request = new FakeRequest();
    request.sent = new Map(this.sent);
    for (const [name, { value, options }] of this.set) {
      if (options.maxAge === 0) request.sent.delete(name);
      else request.sent.set(name, value);
    }
    return request;
  }
}

export let current: FakeRequest;

export function use(request: FakeRequest) {
  current = request;
  return request;
}

/** What Next.js waits for before a page may read the clock. */
export const connection = vi.fn(async () => {});

vi.mock("next/server.js", async (original) => ({ ...(await original<object>()), connection: () => connection() }));

vi.mock("next/headers.js", () => ({
  headers: async () => current.headers,
  cookies: async () => current.cookies,
}));

beforeEach(() => {
  use(new FakeRequest());
  vi.stubEnv("NODE_ENV", "development");
  vi.stubEnv("SESSION_SECRET", SECRET);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

export function session(extra: object = {}): Session {
  const now = Date.now();
  return {
    user: { id: "1", name: "Ada", email: "ada@example.com" },
    createdAt: now,
    lastActivity: now,
    expiresAt: now + 3_600_000,
    expiryDate: new Date(now + 3_600_000).toISOString(),
    ...extra,
  };
}
