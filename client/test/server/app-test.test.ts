import { expect, test, vi } from "vitest";
import { NextAuthSession } from "../../src/index.js";

// Tests of an app, which fake nothing of Next.js but its headers and cookies.

const kept = new Map<string, string>();

vi.mock("next/headers.js", () => ({
  headers: async () => new Headers({ "X-Session-Realm": "default" }),
  cookies: async () => ({
    get: (name: string) => (kept.has(name) ? { name, value: kept.get(name) } : undefined),
    set: (name: string, value: string) => kept.set(name, value),
  }),
}));

test("getSession() sees what was changed in the same request", async () => {
  const { createSession, updateSession, getSession } = NextAuthSession();
  await createSession({ id: "1", name: "Ada" });
  expect((await getSession())?.user.name).toBe("Ada");
  await updateSession({ user: { name: "Grace" } });
  expect((await getSession())?.user.name).toBe("Grace");
});
