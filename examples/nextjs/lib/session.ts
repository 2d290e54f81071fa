import { cookies, headers } from "next/headers";

export interface User {
  id: string;
  name: string;
  email: string;
  role: "admin" | "member";
}

/** A session as Caddy describes it; all times are milliseconds since the epoch. */
export interface Session {
  user: User;
  createdAt: number;
  lastActivity: number;
  expiresAt: number;
}

/**
 * The session of the visitor, or null. Caddy opened the cookie and checked it; nobody else can set
 * this header, because Caddy removes it from every request first.
 */
export async function getSession(): Promise<Session | null> {
  const data = (await headers()).get("x-session-data");
  return data ? JSON.parse(Buffer.from(data, "base64url").toString("utf8")) : null;
}

/** Asks Caddy to sign the visitor in as this user: it seals the session on the way out. */
export async function createSession(user: User) {
  await handOff("set", Buffer.from(JSON.stringify({ user })).toString("base64url"));
}

/** Asks Caddy to replace these members of the user. */
export async function updateSession(user: Partial<Omit<User, "id">>) {
  await handOff("update", Buffer.from(JSON.stringify({ user })).toString("base64url"));
}

/** Asks Caddy to end the session. */
export async function deleteSession() {
  await handOff("delete", "1");
}

// A Server Action can set cookies but no headers, so the message to Caddy is a cookie. Caddy takes
// it off the response; the browser never sees it.
async function handOff(kind: "set" | "update" | "delete", value: string) {
  (await cookies()).set(`session.${kind}`, value, { httpOnly: true, sameSite: "lax", path: "/" });
}
