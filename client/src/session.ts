import type { ResolvedSessionConfig } from "./config.js";
import { asJSON, PLAIN_JSON } from "./strict-json.js";
import { isUser } from "./token.js";
import type { Session, SessionTokens, SessionUpdate, User } from "./types.js";

// What may be done to a session, apart from where it is kept.

/** What a new session is made of. */
export interface Identity extends SessionTokens {
  user: User;
}

/** A change as JSON holds it: no undefined members. Null members are removals. */
export type Change = SessionUpdate<User>;

/** Caddy's `max_lifetime` in seconds, unless a longer expiry is written beside it. */
export const MAX_LIFETIME = 30 * 24 * 60 * 60;

const UNSOUND = `user and tokens must be ${PLAIN_JSON}`;

/** A session for `identity` that lasts `expiry` seconds. */
export function newSession(identity: Identity, expiry: number, now = Date.now()): Session {
  return { ...identity, ...lifetime(expiry, now), createdAt: now };
}

/** The session after `change`, refreshed: it lasts `expiry` seconds from now, and never longer than Caddy lets a session live. */
export function changedSession(session: Session, { user = {}, ...tokens }: Change, expiry: number, now = Date.now()): Session {
  return { ...changed(session, tokens), ...lifetime(expiry, now, session.createdAt, session.expiresAt), user: changed(session.user, user) };
}

/** Both changes, the second after the first. */
export function mergedChange(first: Change, second: Change): Change {
  const user = first.user || second.user ? { user: { ...first.user, ...second.user } } : undefined;
  return { ...first, ...second, ...user };
}

/** What turns `before` into `after`: a field that stays is not named, or it would undo another request's change. A token that neither has is not removed: with `identity_headers user` the app never sees the tokens there are. */
export function difference(before: Session, after: Session): Change {
  const removed = Object.keys(before.user).filter((name) => after.user[name] === undefined);
  const user = Object.entries(after.user).filter(([name, value]) => !sameJSON(before.user[name], value));
  const tokens = (["accessToken", "refreshToken"] as const).filter((name) => after[name] !== before[name]);
  return {
    user: { ...Object.fromEntries(user), ...Object.fromEntries(removed.map((name) => [name, null])) },
    ...Object.fromEntries(tokens.map((name) => [name, after[name] ?? null])),
  };
}

function sameJSON(a: unknown, b: unknown): boolean {
  try {
    return JSON.stringify(a) === JSON.stringify(b);
  } catch {
    return false; // what is no JSON is refused where it is written
  }
}

export function withoutTokens<T extends User>({ accessToken: _a, refreshToken: _r, ...session }: Session<T>): Session<T> {
  return session;
}

export function isSessionExpired(session: Pick<Session, "expiresAt">): boolean {
  return session.expiresAt <= Date.now();
}

/** Whether less than the refresh threshold is left, and a refresh would win at least a minute. */
export function isRefreshDue(
  session: Pick<Session, "expiresAt">,
  { sessionExpiry, refreshThreshold }: Pick<ResolvedSessionConfig, "sessionExpiry" | "refreshThreshold">,
): boolean {
  const left = session.expiresAt - Date.now();
  return left < refreshThreshold * 1000 && sessionExpiry * 1000 - left >= 60_000;
}

/** The identity as JSON holds it, or what is wrong with it. A token that is null is none: identity providers say so. */
export function readIdentity(user: unknown, tokens: SessionTokens | undefined): Identity | string {
  const identity = asJSON({ user, accessToken: tokens?.accessToken ?? undefined, refreshToken: tokens?.refreshToken ?? undefined });
  if (!identity) return UNSOUND;
  if (!isUser(identity.user)) return "user.id must be a non-empty string without control characters or outer white space.";
  return tokenFault(identity) ?? (identity as unknown as Identity);
}

/** The members of a session. Who hands a whole one over changes its user and tokens. */
const MEMBERS = ["user", "accessToken", "refreshToken", "expiresAt", "expiryDate", "createdAt", "lastActivity"];

/** The change as JSON holds it, or what is wrong with it. */
export function readChange(updates: unknown, id: string): Change | string {
  const plain = asJSON(updates ?? {});
  if (!plain) return UNSOUND;
  if (typeof plain !== "object" || Array.isArray(plain)) return 'updates must be an object, such as { user: { name: "Ada" } }.';
  const { user, accessToken, refreshToken } = plain;
  const stray = Object.keys(plain).find((name) => !MEMBERS.includes(name));
  if (stray !== undefined) return `there is no ${JSON.stringify(stray)} to update; user fields stand in user, such as { user: { name: "Ada" } }.`;
  if (user !== undefined && (typeof user !== "object" || user === null || Array.isArray(user))) return "user must be an object of user fields.";
  const { id: wanted = id, ...fields } = (user ?? {}) as Partial<User>;
  if (wanted !== id) return "user.id cannot change; sign the other user in with createSession().";
  const change = asJSON({ user: user && fields, accessToken, refreshToken });
  return tokenFault(change) ?? (change as Change);
}

function tokenFault(tokens: { accessToken?: unknown; refreshToken?: unknown } | undefined): string | undefined {
  for (const name of ["accessToken", "refreshToken"] as const) {
    const token = tokens?.[name];
    if (token !== undefined && token !== null && typeof token !== "string") return `${name} must be a string.`;
  }
  return undefined;
}

/** The times of a session that is used now. One that lives longer than by Caddy's default has been allowed to. */
function lifetime(expiry: number, now: number, createdAt = now, expiresBefore = 0) {
  const latest = createdAt + Math.max(expiry, MAX_LIFETIME) * 1000;
  const expiresAt = expiresBefore > latest ? now + expiry * 1000 : Math.min(now + expiry * 1000, latest);
  return { expiresAt, expiryDate: new Date(expiresAt).toISOString(), lastActivity: now };
}

/** The named members replaced; null removes one. Entries, since an assignment to `__proto__` would change the prototype: a role that is never sealed. */
function changed<T extends object>(value: T, changes: object): T {
  const all = Object.entries({ ...value, ...changes });
  return Object.fromEntries(all.filter(([name, member]) => member !== null || !Object.hasOwn(changes, name))) as T;
}
