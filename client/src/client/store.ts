import type { Session, SessionResult, User, UserUpdate } from "../types.js";

/** What the hooks show. `pending` stands for an `initialSession` promise that has not settled. */
export type State =
  | { status: "pending" | "loading" | "unauthenticated"; session: null }
  | { status: "authenticated"; session: Session };

/** A session, "nobody", or a promise of either, as `<SessionProvider initialSession>` takes it. */
export type InitialSession = Session | null | undefined | PromiseLike<Session | null>;

const PENDING: State = { status: "pending", session: null };

/** The body of every answer of the session API. */
interface Answer {
  session: Session | null;
  refreshThreshold?: number;
}

/** Without `session` the API gave no definite answer. */
type Outcome = (Answer & { error?: string }) | { session?: undefined; error: string };

export type Store = ReturnType<typeof createStore>;

/**
 * Holds one session and talks to the session API at `path`. It has no side effect until a method is called, so React may create and
 * discard stores freely. With `fetching` the API is to be asked, and "nobody" means that it has not answered yet.
 */
export function createStore(path: string, initial: InitialSession, fetching: boolean, refreshThreshold?: number) {
  const promise = initial && "then" in initial ? initial : undefined;
  let state = promise ? PENDING : stateOf(initial as Session | null | undefined, fetching);
  let hydrated = state; // what the server rendered
  let threshold = refreshThreshold;
  const listeners = new Set<() => void>();

  // An answer counts only if nothing newer is known. A read counts if no change began or ended since it was sent; a change counts if
  // no later change has been answered, and the server has not used the session since.
  let changes = 0;
  let changing = 0;
  let answered = 0;
  let unsure = false; // an answer was late, and none has settled since what the session is
  let reading: Promise<boolean> | undefined;
  let refreshing: Promise<SessionResult> | undefined;

  function set({ session, refreshThreshold = threshold }: Answer) {
    threshold = refreshThreshold;
    if (!isKnown(state) || !sameValue(state.session, session)) state = stateOf(session);
    notify(); // an answer that confirms is news for other tabs
  }

  function notify() {
    listeners.forEach((listener) => listener());
  }

  async function read(headers?: HeadersInit) {
    const before = changes;
    const answer = await ask(path, "GET", headers);
    reading = undefined;
    if (answer.session === undefined || before !== changes || changing) return false;
    unsure = false;
    set(answer);
    return true;
  }

  async function change(method: string, body?: object): Promise<SessionResult> {
    const mine = ++changes;
    changing++;
    const answer = await ask(path, method, body && { "Content-Type": "application/json" }, body);
    changing--;
    const { session, error } = answer;
    if (answer.session !== undefined) {
      unsure = mine <= answered || isOlder(session, state.session);
      // Nothing that was sent before a sign-out was answered outlives it, and when one answer is late, so may be what is still to come.
      answered = session && !unsure ? mine : changes;
      // A late 401 may be of the cookie before a sign-in in another tab.
      if (!(unsure && (session || error))) {
        changes++; // a read that was sent meanwhile may be older than this answer
        set(answer);
      }
    }
    // The server may have done them in the order of its answers, or not: only the browser's cookie knows.
    if (unsure && !changing) void refetch(true);
    return { success: !error, error, session: session ?? undefined } as SessionResult;
  }

  function refresh() {
    return (refreshing ??= change("POST").finally(() => (refreshing = undefined)));
  }

  /**
   * Asks the API who is signed in, once for callers that ask at the same time; `afresh` does not trust a request that is already on its
   * way. Without a definite answer, which is then false, nothing changes.
   */
  function refetch(afresh?: boolean, headers?: HeadersInit) {
    if (afresh) changes++;
    else if (reading) return reading;
    return (reading = read(headers));
  }

  return {
    path,
    initial,
    fetching,
    promise,
    get: () => state,
    rendered: () => hydrated,
    /** Whether the API is being asked if what the server rendered is still so. */
    checking: () => reading && state === hydrated,
    threshold: () => threshold,
    subscribe(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Takes the settled `initialSession`. Silent, so that it may run while React renders. */
    settle(session: Session | null) {
      if (hydrated !== PENDING) return;
      hydrated = stateOf(session);
      if (state === PENDING) state = hydrated;
    },
    /** Tells every subscriber to look again. */
    notify,
    /** Takes what another tab knows. */
    adopt(session: Session) {
      answered = ++changes;
      set({ session });
    },
    refetch,
    /** Asks afresh without using the session: what is fetched in advance does not slide it. A script may not send Sec-Purpose. */
    look: () => refetch(true, { Purpose: "prefetch" }),
    refresh,
    update: (updates?: { user?: UserUpdate<User> } | null) => (updates?.user ? change("PATCH", { user: updates.user }) : refresh()),
    logout: () => change("DELETE"),
  };
}

function stateOf(session: Session | null | undefined, fetching?: boolean): State {
  if (session) return { status: "authenticated", session };
  return { status: fetching ? "loading" : "unauthenticated", session: null };
}

/** Whether it has been found out who is signed in. */
export function isKnown({ status }: State) {
  return status.endsWith("authenticated");
}

/** Whether both are sessions, and `a` was last used before `b`. Caddy says of every session when that was. */
export function isOlder(a: Session | null | undefined, b: Session | null | undefined) {
  return a?.lastActivity! < b?.lastActivity!;
}

export function sameValue(a: unknown, b: unknown) {
  return JSON.stringify(a) === JSON.stringify(b);
}

let warnedOf: string; // a path

/**
 * Asks the session API at `path`. Only its own words count: an answer that is not JSON of the documented shape (the app's 404 page, a
 * proxy's HTML) is an error and says nothing about the session.
 */
async function ask(path: string, method: string, headers?: HeadersInit, body?: object): Promise<Outcome> {
  let error: string;
  try {
    const response = await fetch(path, { method, headers, body: JSON.stringify(body), cache: "no-store" });
    error = `${method} ${path} answered ${response.status}`;
    const type = response.headers.get("Content-Type");
    // A proxy that is in trouble answers with 5xx, whatever the Caddyfile says.
    if (process.env.NODE_ENV !== "production" && response.status < 500 && !type?.includes("json") && warnedOf !== path) {
      warnedOf = path;
      console.warn(`${error}: is session_api in your Caddyfile? Without Caddy, \`next dev\` needs a route with handlers() there.`);
    }
    if (response.ok) {
      const answer: Answer = await response.json();
      if (answer.session === null || (answer.session?.user?.id && answer.session.expiresAt > 0)) return answer;
    } else if (type?.includes("problem+json")) {
      const { title, detail } = await response.json();
      error = detail || title || error;
      // Refreshing or updating without a session: the API's definite "nobody is signed in".
      if (response.status === 401) return { session: null, error };
    } else if (method === "DELETE") {
      console.error(error); // a button that signs out does not look at the result
    }
  } catch (reason) {
    // No network, not JSON, or an update that JSON cannot hold: no answer of the session API either.
    error = `${method} ${path}: ${reason}`;
  }
  return { error };
}
