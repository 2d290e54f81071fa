// What a browser may change. Everything here comes from somebody who may have written it by hand.

export const SHAPE =
  "The update must be one object { user: { … } } of plain JSON, without the same object twice, and without the names __proto__, constructor and prototype.";

/** Prototype pollution: by these names JSON could reach the prototype of an object in an app that merges it. */
export const POLLUTING = ["__proto__", "constructor", "prototype"];

const SCALARS = ["string", "number", "boolean", "undefined"];

/**
 * The update that a browser sends to a Server Action, or what it may not change. Mass assignment: only fields of `user` that `clientUpdate` names
 * pass, as in PATCH of the session API.
 */
export function readBrowserUpdate(updates: unknown, clientUpdate: string[]): { user: Record<string, unknown> } | string {
  if (!isObject(updates) || !isPlainTree(updates)) return SHAPE;
  const { user, ...others } = updates;
  const [other] = Object.keys(others);
  if (other !== undefined) return `${other} may not be changed from the browser, only fields of user.`;
  if (!isObject(user)) return SHAPE;
  return findRefusedField(user, clientUpdate) ?? { user };
}

/** What is wrong with the first field that `clientUpdate` does not name; undefined if it names all of them. */
export function findRefusedField(user: Record<string, unknown>, clientUpdate: string[]): string | undefined {
  const refused = Object.keys(user).find((name) => !clientUpdate.includes(name));
  return refused === undefined ? undefined : `user.${refused} may not be changed from the browser: session.clientUpdate does not name it.`;
}

/**
 * Whether JSON.stringify may be given the value, and the app what comes of it. React's arguments can hold more than JSON: another Server Action, which would be called as
 * `toJSON` past the page that protects it, and one object at many places, which would be written out each time until the memory is full.
 */
export function isPlainTree(root: object): boolean {
  const seen = new Set<object>();
  const values: unknown[] = [root];
  for (const value of values) {
    if (value === null || SCALARS.includes(typeof value)) continue;
    if ((!isObject(value) && !Array.isArray(value)) || seen.has(value)) return false;
    seen.add(value);
    for (const [name, member] of Object.entries(value)) {
      if (POLLUTING.includes(name)) return false;
      values.push(member);
    }
  }
  return true;
}

/** An object as JSON.parse makes it, no array and no instance of a class. */
function isObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
