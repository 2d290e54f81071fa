import type { Change, Identity } from "./session.js";
import type { Session } from "./types.js";

/** Where the session of one request is kept. Every method sees what the methods before it did in the same request. */
export interface Keeper {
  read(): Promise<Session | null>;
  create(identity: Identity): Promise<Session>;
  change(session: Session, change: Change): Promise<Session>;
  remove(): Promise<void>;
}

/** Where the session of a request is kept, and what it is. */
export interface Access {
  keeper: Keeper;
  /** The session, checked by onValidate: once, and only for who needs to know it, since signing in and out must work whatever onValidate does. */
  session(): Promise<Session | null>;
  /** Caddy answered for the request, development runs without it, or production lacks it. */
  mode: "caddy" | "standalone" | "missing";
  /** Why nobody is signed in and nothing can change; undefined if that is not so. */
  refusal: string | undefined;
}

/** A session that does not fit into cookies, or into a request to the app. */
export class SessionTooLarge extends Error {
  constructor(what: string, size: number, limit: number) {
    super(`The session is too large: ${what} would take ${size} bytes, at most ${limit} fit. Keep less in user, or leave the tokens out.`);
  }
}
