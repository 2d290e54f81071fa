import type { Change, Identity } from "./session.js";
import type { Session } from "./types.js";

/** Where the session of one request is kept. Every method sees what the methods before it did in the same request. */
export interface Keeper {
  read(): Promise<Session | null>;
  create(identity: Identity): Promise<Session>;
  change(session: Session, change: Change): Promise<Session>;
  remove(): Promise<void>;
}
