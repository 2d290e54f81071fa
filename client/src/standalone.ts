import type { ResolvedSessionConfig } from "./config.js";
import { SessionTooLarge, type Keeper } from "./keeper.js";
import type { CookieJar, CookieOptions } from "./request.js";
import { changedSession, newSession } from "./session.js";
import type { Keyring } from "./token.js";
import type { Session, User } from "./types.js";

const MAX_COOKIE_BYTES = 4096;
const MAX_CHUNKS = 3;

/** The session without Caddy, for development: sealed into the app's own cookie the way Caddy does it. */
export function standaloneKeeper<T extends User>(cookies: CookieJar, config: ResolvedSessionConfig<T>, keyring: Keyring): Keeper {
  const name = config.secureCookie ? `__Host-${config.cookieName}` : config.cookieName;
  const chunkNames = Array.from({ length: MAX_CHUNKS }, (_, index) => `${name}.${index}`);
  const options: CookieOptions = { httpOnly: true, path: "/", sameSite: config.sameSite, secure: config.secureCookie };

  function expire(cookie: string) {
    cookies.set(cookie, "", { ...options, maxAge: 0 });
  }

  /** Expires what the request has of these cookies. */
  function clear(names: string[]) {
    for (const old of names) if (cookies.get(old)?.value) expire(old);
  }

  async function write(session: Session) {
    const parts = split(name, await keyring.seal(session), chunkNames);
    const maxAge = Math.max(Math.ceil((session.expiresAt - Date.now()) / 1000), 1);
    for (const [part, value] of parts) cookies.set(part, value, { ...options, maxAge });
    const kept = parts.map(([part]) => part);
    clear([name, ...chunkNames].filter((old) => !kept.includes(old)));
    return session;
  }

  return {
    async read() {
      const token = cookies.get(name)?.value || chunkNames.map((chunk) => cookies.get(chunk)?.value ?? "").join("");
      return token ? keyring.open(token) : null;
    },
    create: (identity) => write(newSession(identity, config.sessionExpiry)),
    change: (session, change) => write(changedSession(session, change, config.sessionExpiry)),
    async remove() {
      expire(name); // always, so that where no cookie can be set it is an error whoever is signed in
      clear(chunkNames);
    },
  };
}

/** One cookie if name and value fit into 4096 bytes, else up to three chunks. */
function split(name: string, token: string, chunkNames: string[]): [name: string, value: string][] {
  if (name.length + token.length <= MAX_COOKIE_BYTES) return [[name, token]];
  const parts: [string, string][] = [];
  let rest = token;
  for (const chunk of chunkNames) {
    const room = MAX_COOKIE_BYTES - chunk.length;
    if (rest) parts.push([chunk, rest.slice(0, room)]);
    rest = rest.slice(room);
  }
  if (rest) throw new SessionTooLarge("its token", token.length, token.length - rest.length);
  return parts;
}
