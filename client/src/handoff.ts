import { decodeText, encodeText } from "./base64url.js";
import type { ResolvedSessionConfig } from "./config.js";
import type { CookieJar, CookieOptions, RequestScope } from "./request.js";
import { sayOnce } from "./say-once.js";
import { changedSession, mergedChange, newSession, type Change, type Identity } from "./session.js";
import { SessionTooLarge, type Keeper } from "./keeper.js";
import { encodeAsCaddy, isUser, tokenLength } from "./token.js";
import type { Session, User } from "./types.js";

/** What Caddy adds to a request is at most 12 KiB. */
const MAX_REQUEST_BYTES = 12 * 1024;

const OPTIONS: CookieOptions = { httpOnly: true, path: "/", sameSite: "lax", secure: false };

/**
 * The session behind Caddy. It is read from the headers that Caddy sets; changes are handed over in cookies that Caddy takes off the answer and
 * never shows to the browser, and removes from requests. Caddy applies them in the order delete, set, update.
 */
export function caddyKeeper<T extends User>({ headers, cookies, now }: RequestScope, config: ResolvedSessionConfig<T>): Keeper {
  const { cookieName, sessionExpiry: expiry } = config;
  const [set, update, remove] = [`${cookieName}.set`, `${cookieName}.update`, `${cookieName}.delete`];
  const realm = headers.get("X-Session-Realm") ?? "";
  const names = new Set((headers.get("Cookie") ?? "").split(/; */).map((cookie) => cookie.split("=", 1)[0]));
  // Next.js itself asks for the page that a Server Action redirects to, with the cookies that the action has set: by fetch, unlike who opens a page.
  if ([set, update, remove].some(isSent) && headers.get("Sec-Fetch-Mode") !== "cors") explainName(cookieName);

  /**
   * Whether a handoff came with the request, by which anybody could be anybody: one does only where Caddy knows the session cookie by another name.
   * Next.js writes into the request what proxy.ts has set, and says so in a header that Caddy takes from no client.
   */
  function isSent(name: string): boolean {
    return names.has(name) && !headers.get("x-middleware-set-cookie")?.includes(`${name}=`);
  }

  /** What was handed over earlier in this request. */
  function pending(name: string): string | undefined {
    return isSent(name) ? undefined : cookies.get(name)?.value;
  }

  return {
    async read() {
      let session = readHeader(headers.get("X-Session-Data"));
      if (pending(remove)) session = null;
      const identity = decode<Identity>(pending(set));
      if (identity) session = newSession(identity, expiry, await now());
      const change = decode<Change>(pending(update));
      return session && change ? changedSession(session, change, expiry, await now()) : session;
    },
    async create(identity) {
      const session = newSession(identity, expiry);
      refuseTooLarge(session, config, realm);
      withdraw(cookies, update); // it was meant for the session before
      handOver(cookies, set, identity);
      return session;
    },
    async change(session, change) {
      const after = changedSession(session, change, expiry);
      refuseTooLarge(after, config, realm);
      handOver(cookies, update, mergedChange(decode<Change>(pending(update)) ?? {}, change));
      return after;
    },
    async remove() {
      withdraw(cookies, set);
      withdraw(cookies, update);
      cookies.set(remove, "1", OPTIONS);
    },
  };
}

/** The session of the request, null for an anonymous one. What does not decode is nobody. */
function readHeader(value: string | null): Session | null {
  const session = decode<Session>(value);
  return isUser(session?.user) && typeof session?.expiresAt === "number" ? session : null;
}

function decode<T>(value: string | null | undefined): T | undefined {
  try {
    return value ? (JSON.parse(decodeText(value)) as T) : undefined;
  } catch {
    return undefined;
  }
}

function handOver(cookies: CookieJar, name: string, value: unknown) {
  cookies.set(name, encodeText(JSON.stringify(value)), OPTIONS);
}

/** Takes back what was handed over earlier in this request. Next.js can only expire a cookie; Caddy ignores an expired handoff. */
function withdraw(cookies: CookieJar, name: string) {
  if (cookies.get(name)?.value) cookies.set(name, "", { ...OPTIONS, maxAge: 0 });
}

/** Says why nobody can sign in: what Caddy does not know as a handoff goes to the browser. */
function explainName(cookieName: string) {
  sayOnce(
    "cookie",
    `the browser sent a handoff for the cookie "${cookieName}", which Caddy keeps from it: Caddy knows the session cookie by another name, so nobody can sign in. Write the same name as cookie_name in the Caddyfile and as session.cookieName here.`,
  );
}

/** Refuses what Caddy would refuse, by the same sizes. */
export function refuseTooLarge<T extends User>(session: Session, { cookieName, forwardCookie }: ResolvedSessionConfig<T>, realm: string) {
  // Three cookies of 4096 bytes, with the longest name that Caddy may give them: the app does not know their prefix.
  const name = `__Secure-${cookieName}.0`;
  const room = 4096 - name.length;
  const token = tokenLength(session);
  if (token > 3 * room) throw new SessionTooLarge("its token", token, 3 * room);
  const forwarded = forwardCookie ? "Cookie: \r\n".length + token + Math.ceil(token / room) * `${name}=; `.length : 0;
  const told = Object.entries({
    "X-Session-Realm": realm,
    "X-Session-User": encodeURIComponent(session.user.id),
    "X-Session-Data": encodeAsCaddy(session),
  }).reduce((size, [name, value]) => size + `${name}: ${value}\r\n`.length, forwarded);
  if (told > MAX_REQUEST_BYTES) throw new SessionTooLarge("the request headers for the app", told, MAX_REQUEST_BYTES);
}
