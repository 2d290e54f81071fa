import { readBrowserUpdate } from "./browser-update.js";
import { resolveConfig, type NextAuthSessionConfig } from "./config.js";
import { caddyKeeper, refuseTooLarge } from "./handoff.js";
import { createHandlers } from "./handlers.js";
import { SessionTooLarge, type Access, type Keeper } from "./keeper.js";
import { createMiddleware } from "./middleware.js";
import { currentRequest, type RequestScope } from "./request.js";
import { sayOnce } from "./say-once.js";
import { difference, isRefreshDue, isSessionExpired, readChange, readIdentity, withoutTokens } from "./session.js";
import { standaloneKeeper } from "./standalone.js";
import { createKeyring, type Keyring } from "./token.js";
import type { Session, SessionResult, SessionTokens, SessionUpdate, User, UserUpdate } from "./types.js";

export interface GetSessionOptions {
  /**
   * Includes accessToken and refreshToken. Keep the result on the server: what a Server Component passes to a client component is written into the
   * page's HTML. `next dev` of Next.js 15.5 writes an awaited result there all the same, as React's debug information; a production build does not.
   * Default: false.
   */
  tokens?: boolean | undefined;
}

const NOBODY = "Nobody is signed in.";
const NO_CADDY = "The request did not come through a Caddy with session_guard, or is answered by a static route (force-static), so there is no session.";

/**
 * Configures sessions once and returns every function of this package, bound to the configuration. Throws one error that names every wrong
 * setting. It does nothing else until a function is called.
 */
export function NextAuthSession<T extends User = User>(configuration: NextAuthSessionConfig<T> = {}) {
  const { session: config, middleware: rules } = resolveConfig(configuration);
  let ring: Promise<Keyring> | undefined;

  function keyring(): Promise<Keyring> {
    if (typeof window !== "undefined") throw new Error("encryptSession() and decryptSession() run on the server: no browser may have the secret.");
    const secret = configuration.session?.secretKey ?? process.env.SESSION_SECRET;
    if (!secret) throw new Error("Set SESSION_SECRET (make one with `openssl rand -base64 32`), or open the app through Caddy.");
    return (ring ??= createKeyring(secret, config.realm));
  }

  async function access({ headers, cookies, now }: RequestScope): Promise<Access> {
    const realm = headers.get("X-Session-Realm");
    const mode = realm ? "caddy" : process.env.NODE_ENV === "production" ? "missing" : "standalone";
    if (mode === "missing") {
      sayOnce("missing", "the header X-Session-Realm is missing, so the request did not come through a Caddy with session_guard, or its page is static (force-static) and sees no headers; nobody is signed in.");
    }
    const keeper =
      mode === "standalone"
        ? standaloneKeeper(cookies, config, await keyring())
        : caddyKeeper({ headers, cookies, now }, config);
    const refusal = mode === "missing" ? NO_CADDY : refuseRealm(realm);
    let session: Promise<Session | null> | undefined;
    return { keeper, session: () => (session ??= refusal ? Promise.resolve(null) : readValid(keeper)), mode, refusal };
  }

  /** A customer's session is none of the realm of administrators, whose actions Next.js runs on the customers' pages as well. */
  function refuseRealm(realm: string | null): string | undefined {
    if (!realm || !configuration.session?.realm || realm === config.realm) return undefined;
    return `The request came through the realm ${realm} of Caddy, and this is a session of the realm ${config.realm}.`;
  }

  async function readValid(keeper: Keeper): Promise<Session | null> {
    const found = await keeper.read();
    const valid = found && (!config.onValidate || (await config.onValidate(found as Session<T>)));
    return valid ? found : null;
  }

  /** Runs an operation that changes the session and turns what may go wrong into a result. */
  async function change(caller: string, operation: (access: Access) => Promise<Session | string | null>): Promise<SessionResult> {
    const current = await access(await currentRequest(caller));
    if (current.refusal) return { success: false, error: current.refusal };
    try {
      const after = await operation(current);
      if (typeof after === "string") return { success: false, error: after };
      return after ? { success: true, session: withoutTokens(after) } : { success: true };
    } catch (reason) {
      const error = explainFailure(reason, caller);
      if (error === undefined) throw reason;
      return { success: false, error };
    }
  }

  /** Signs a user in. End the action with redirect(): Next.js renders the rest of it with the request's old session. */
  async function createSession<U extends User = T>(user: NoInfer<U>, tokens?: SessionTokens): Promise<SessionResult<U>> {
    return change("createSession()", async ({ keeper }) => {
      const identity = readIdentity(user, tokens);
      return typeof identity === "string" ? identity : keeper.create(identity);
    }) as Promise<SessionResult<U>>;
  }

  /** The session, including changes made in the same request; null if nobody is signed in. */
  async function getSession<U extends User = T>(options: GetSessionOptions = {}): Promise<Session<U> | null> {
    const current = await access(await currentRequest("getSession()"));
    const session = await current.session();
    if (!session) return null;
    return (options.tokens ? session : withoutTokens(session)) as Session<U>;
  }

  /**
   * Replaces the named user fields and tokens (null removes one) and refreshes the session. For trusted code on the server: it changes any field,
   * so what a browser sends goes through `actions.update`.
   */
  async function updateSession<U extends User = T>(updates: SessionUpdate<NoInfer<U>>): Promise<SessionResult<U>> {
    return change("updateSession()", async (current) => {
      const session = await current.session();
      if (!session) return NOBODY;
      const change = readChange(updates, session.user.id);
      return typeof change === "string" ? change : current.keeper.change(session, change);
    }) as Promise<SessionResult<U>>;
  }

  /** Replaces the user fields that `clientUpdate` names (null removes one) and refreshes the session. Any other field or a token is an error. */
  async function updateFromBrowser(updates: { user: UserUpdate<T> }): Promise<SessionResult<T>> {
    const update = readBrowserUpdate(updates, config.clientUpdate);
    return typeof update === "string" ? { success: false, error: update } : updateSession(update as SessionUpdate<T>);
  }

  /** Moves the session's expiry forward. */
  async function refreshSession<U extends User = T>(): Promise<SessionResult<U>> {
    return change("refreshSession()", refresh) as Promise<SessionResult<U>>;
  }

  async function refresh({ keeper, session: read }: Access): Promise<Session | string> {
    const session = await read();
    if (!session) return NOBODY;
    if (!config.onRefresh) return keeper.change(session, {});
    const copy = structuredClone(session) as Session<T>; // onRefresh may change what it gets
    const refreshed = await config.onRefresh(copy);
    if (!refreshed) return "onRefresh refused the refresh.";
    if (!refreshed.user) return "onRefresh must return the whole session with its user, or null to refuse the refresh.";
    const change = readChange(difference(session, refreshed), session.user.id);
    return typeof change === "string" ? change : keeper.change(session, change);
  }

  /** Signs out. Also succeeds for a visitor who is not signed in. */
  async function deleteSession(): Promise<SessionResult<T>> {
    return change("deleteSession()", async ({ keeper }) => {
      await keeper.remove();
      return null;
    }) as Promise<SessionResult<T>>;
  }

  /** Whether somebody is signed in. */
  async function isAuthenticated(): Promise<boolean> {
    const current = await access(await currentRequest("isAuthenticated()"));
    return (await current.session()) !== null;
  }

  return {
    createSession,
    getSession,
    updateSession,
    refreshSession,
    deleteSession,
    isAuthenticated,
    /** Seals a session into a token that Caddy opens, where both have the secret. Throws without a secret, and for what no token or cookie can hold. */
    encryptSession: async (session: Session<T>): Promise<string> => {
      const token = await (await keyring()).seal(session);
      refuseTooLarge(session, config, config.realm);
      return token;
    },
    /** Opens a token that Caddy or `encryptSession` sealed; null if it is not valid any more. Throws without a secret. */
    decryptSession: async <U extends User = T>(token: string): Promise<Session<U> | null> =>
      (await keyring()).open(token) as Promise<Session<U> | null>,
    /** Whether the session's lifetime is over. */
    isSessionExpired: (session: Pick<Session, "expiresAt">): boolean => isSessionExpired(session),
    /** Whether less than the refresh threshold is left, and a refresh would win at least a minute. */
    shouldRefreshSession: (session: Pick<Session, "expiresAt">): boolean =>
      isRefreshDue(session, config),
    middleware: createMiddleware(config, rules, access),
    handlers: createHandlers(config, access, refresh),
    /**
     * For a "use server" file of the app, which client components call. Browsers send what they like, so `update` changes only the user fields that
     * `clientUpdate` names. No result holds a token.
     */
    actions: { refresh: refreshSession<T>, update: updateFromBrowser, logout: deleteSession },
    /** The resolved session settings, without the secret. */
    config,
    /** Props for `<SessionProvider>`. */
    clientConfig: { autoActivityRefresh: config.autoRefresh },
  };
}

/** What an operation may fail with that its caller can put right; undefined for all else, Next.js's signals among it. */
function explainFailure(reason: unknown, caller: string): string | undefined {
  if (reason instanceof SessionTooLarge) return reason.message;
  if (reason instanceof Error && reason.message.includes("can only be modified in a Server Action")) {
    return `${caller} works in a Server Action or a Route Handler; a Server Component cannot set cookies, nor can after().`;
  }
  return undefined;
}
