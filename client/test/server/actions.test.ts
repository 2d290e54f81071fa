import { describe, expect, test, vi } from "vitest";
import { NextAuthSession } from "../../src/index.js";
import { current, session } from "./harness.js";

const { actions } = NextAuthSession({ session: { clientUpdate: ["name", "address"] } });

/** A Server Action gets what the browser sends, whatever its types say. */
const update = actions.update as (updates?: unknown) => ReturnType<typeof actions.update>;

test("actions are the operations for client components", async () => {
  current.behindCaddy(session({ accessToken: "at" }));
  const result = await actions.update({ user: { name: "Grace", address: { city: "Arlington", lines: ["1", "2"] } } });
  expect(result).toMatchObject({ success: true, session: { user: { id: "1", name: "Grace" } } });
  expect(JSON.stringify(result)).not.toContain('"at"');
  expect(current.handoff("session.update")).toEqual({ user: { name: "Grace", address: { city: "Arlington", lines: ["1", "2"] } } });
  expect((await actions.refresh()).success).toBe(true);
  expect((await actions.logout()).success).toBe(true);
  expect([...current.set.keys()]).toEqual(["session.update", "session.delete"]);
});

test("actions.update removes a field that clientUpdate names", async () => {
  current.behindCaddy(session());
  expect((await actions.update({ user: { name: null } })).success).toBe(true);
  expect(current.handoff("session.update")).toEqual({ user: { name: null } });
});

test("actions.update for a visitor who is not signed in", async () => {
  current.behindCaddy();
  expect(await actions.update({ user: { name: "Eve" } })).toEqual({ success: false, error: "Nobody is signed in." });
});

test("actions.refresh and actions.logout take nothing from the browser", async () => {
  current.behindCaddy(session());
  await (actions.refresh as (hostile: unknown) => Promise<unknown>)({ user: { role: "admin" }, accessToken: "x" });
  expect(current.handoff("session.update")).toEqual({});
  await (actions.logout as (hostile: unknown) => Promise<unknown>)({ user: { id: "2" } });
  expect([...current.set.keys()]).toEqual(["session.update", "session.delete"]);
});

describe("mass assignment: a browser that posts to actions.update", () => {
  test("changes nothing by default, as in Caddy", async () => {
    current.behindCaddy(session());
    expect(await NextAuthSession().actions.update({ user: { name: "Grace" } })).toEqual({
      success: false,
      error: "user.name may not be changed from the browser: session.clientUpdate does not name it.",
    });
    expect(current.set.size).toBe(0);
  });

  class Session {
    user = { name: "Eve" };
  }
  const called = vi.fn();
  const deep = JSON.parse("[".repeat(20_000) + "]".repeat(20_000));
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  /** 40 small objects that JSON would write out as 2^40 of them. */
  const bomb = Array.from({ length: 40 }).reduce((inner) => [inner, inner], {});
  test.each([
    ["a role", { user: { role: "admin" } }, "user.role"],
    ["a role beside a field that is allowed", { user: { name: "Eve", role: "admin" } }, "user.role"],
    ["the removal of a field", { user: { email: null } }, "user.email"],
    ["the user's id", { user: { id: "2" } }, "user.id"],
    ["the own id", { user: { id: "1" } }, "user.id"],
    ["a member __proto__ of user", JSON.parse('{"user":{"__proto__":{"role":"admin"}}}'), "without the names __proto__"],
    ["a name that every object has", { user: { constructor: "x" } }, "without the names"],
    ["such a name deep in a field", { user: { name: [{ prototype: {} }] } }, "without the names"],
    ["accessToken", { user: { name: "Eve" }, accessToken: "x" }, "accessToken"],
    ["the removal of accessToken", { accessToken: null }, "accessToken"],
    ["refreshToken", { user: {}, refreshToken: "x" }, "refreshToken"],
    ["another member", { user: { name: "Eve" }, expiresAt: 9e15 }, "expiresAt"],
    ["a member __proto__", JSON.parse('{"user":{"name":"Eve"},"__proto__":{"accessToken":"x"}}'), "__proto__"],
    ["nothing", undefined, "must be one object"],
    ["null", null, "must be one object"],
    ["a string", '{"user":{"name":"Eve"}}', "must be one object"],
    ["an array", [{ user: { name: "Eve" } }], "must be one object"],
    ["an object without user", {}, "must be one object"],
    ["user null", { user: null }, "must be one object"],
    ["user a string", { user: "name" }, "must be one object"],
    ["user an array", { user: ["name"] }, "must be one object"],
    ["an instance of a class", new Session(), "must be one object"],
    ["an object with a prototype of its own", { user: Object.create({ role: "admin" }) }, "must be one object"],
    ["a Map", new Map([["user", { role: "admin" }]]), "must be one object"],
    ["a Map as user", { user: new Map([["role", "admin"]]) }, "must be one object"],
    ["a form", new FormData(), "must be one object"],
    ["a date as a field", { user: { name: new Date(0) } }, "must be one object"],
    ["a bigint as a field", { user: { name: 1n } }, "must be one object"],
    ["a promise as a field", { user: { name: Promise.resolve("Eve") } }, "must be one object"],
    ["another Server Action to be called as toJSON", { user: { name: { toJSON: called } } }, "must be one object"],
    ["a circle", { user: { name: circle } }, "must be one object"],
    ["one object at many places", { user: { name: bomb } }, "must be one object"],
    ["a nesting that overflows the stack", { user: { name: deep } }, "plain JSON"],
    ["a lone surrogate", { user: { name: "\ud800" } }, "plain JSON"],
    ["a field that does not fit", { user: { name: "x".repeat(10_000) } }, "too large"],
  ])("is refused %s", async (_, updates, error) => {
    current.behindCaddy(session());
    expect(await update(updates)).toEqual({ success: false, error: expect.stringContaining(error) });
    expect(current.set.size).toBe(0);
    expect(called).not.toHaveBeenCalled();
  });
});
