import { findRefusedField, isPlainTree, SHAPE } from "./browser-update.js";
import type { ResolvedSessionConfig } from "./config.js";
import { SessionTooLarge, type Access } from "./keeper.js";
import { isPrefetch } from "./request-kind.js";
import { currentRequest, type RequestScope } from "./request.js";
import { isRefreshDue, readChange, withoutTokens } from "./session.js";
import { parseStrict } from "./strict-json.js";
import type { Session, User } from "./types.js";

/** `context` is Next.js's: the parameters of the route, `[[...session]]` among them. It is any, since each version of Next.js checks for a type of its own. */
type Handler = (request: Request, context?: any) => Promise<Response>;
/** The session after a change, null after a sign-out, or what was wrong. */
type Outcome = Promise<Session | string | null>;

const MAX_BODY_BYTES = 64 * 1024;

/** The titles that Caddy gives. */
const TITLES: Record<number, string> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  413: "Request Entity Too Large",
  415: "Unsupported Media Type",
};

const HEADERS = { "Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff" };

/** An answer other than success, as application/problem+json (RFC 9457). */
class Problem extends Error {
  constructor(
    readonly status: number,
    detail: string,
  ) {
    super(detail);
  }
}

/**
 * The session API for development without Caddy, as route handlers for `app/api/session/[[...session]]/route.ts`. Behind Caddy its
 * `session_api` answers before the app.
 */
export function createHandlers<T extends User>(
  config: ResolvedSessionConfig<T>,
  access: (scope: RequestScope) => Promise<Access>,
  refresh: (access: Access) => Outcome,
) {
  function answer(session: Session | null | undefined): Response {
    const body = { session: session ? withoutTokens(session) : null, refreshThreshold: config.refreshThreshold };
    return Response.json(body, { headers: HEADERS });
  }

  async function changed(outcome: Outcome): Promise<Response> {
    const after = await outcome;
    if (typeof after === "string") throw new Problem(400, after);
    return answer(after);
  }

  function handle(handler: (request: Request, current: Access) => Promise<Response>): Handler {
    return async (request, context) => {
      try {
        const below = await findBelow(request, context);
        if (below && !OTHERS.includes(below)) throw new Problem(404, "The session API has no such path.");
        const current = await access(await currentRequest("handlers()"));
        if (current.mode !== "standalone") throw new Problem(404, "Caddy answers the session API: add session_api to the Caddyfile.");
        if (below) throw new Problem(404, "Only Caddy knows the user's other sessions: open the app through Caddy.");
        if (request.method !== "GET") refuseForeignOrigin(request);
        return await handler(request, current);
      } catch (reason) {
        if (reason instanceof SessionTooLarge) return problem(413, reason.message);
        if (reason instanceof Problem) return problem(reason.status, reason.message);
        throw reason;
      }
    };
  }

  return () => ({
    GET: handle(async ({ headers }, current) => {
      const session = await current.session();
      const due = session && !isPrefetch(headers) && config.autoRefresh && isRefreshDue(session, config);
      return due ? changed(refresh(current)) : answer(session);
    }),
    POST: handle(async (request, current) => {
      requireSession(await current.session());
      if (await request.text()) throw new Problem(400, "A refresh takes no body. Use PATCH to change the user.");
      return changed(refresh(current));
    }),
    PATCH: handle(async (request, current) => {
      const session = requireSession(await current.session());
      const user = await readPatch(request);
      if (!isPlainTree(user)) throw new Problem(400, SHAPE);
      const refused = findRefusedField(user, config.clientUpdate);
      if (refused) throw new Problem(403, refused);
      const updates = readChange({ user }, session.user.id);
      return changed(typeof updates === "string" ? Promise.resolve(updates) : current.keeper.change(session, updates));
    }),
    DELETE: handle(async (_, { keeper }) => {
      await keeper.remove();
      return Response.json({ session: null }, { headers: HEADERS });
    }),
  });
}

/** What Caddy's session API has below its path. */
const OTHERS = ["all", "others", "list"];

/** What stands below the API's path: the catch-all parameter of the route, or, without Next.js's context, what follows the usual path. */
async function findBelow(request: Request, context?: { params?: unknown }): Promise<string> {
  const parameters = Object.values((await context?.params) ?? {}); // a promise since Next.js 15
  const caught = parameters.find((value): value is string[] => Array.isArray(value));
  return caught ? caught.join("/") : (/\/api\/session\/(.+)$/.exec(new URL(request.url).pathname)?.[1] ?? "");
}

function problem(status: number, detail: string): Response {
  const headers = { ...HEADERS, "Content-Type": "application/problem+json" };
  return new Response(JSON.stringify({ type: "about:blank", title: TITLES[status], status, detail }), { status, headers });
}

function requireSession(session: Session | null): Session {
  if (!session) throw new Problem(401, "Nobody is signed in.");
  return session;
}

/** Cross-site request forgery: the browser says where a request comes from. */
function refuseForeignOrigin({ headers }: Request) {
  const site = headers.get("Sec-Fetch-Site");
  const origin = headers.get("Origin");
  const own = site ? site === "same-origin" || site === "none" : !origin || origin.replace(/^https?:\/\//, "") === headers.get("Host");
  if (!own) throw new Problem(403, "The request comes from another site.");
}

/** The `user` of a body `{"user": {…}}`. */
async function readPatch(request: Request): Promise<Record<string, unknown>> {
  const type = request.headers.get("Content-Type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type) || request.headers.has("Content-Encoding")) {
    throw new Problem(415, "The body must be application/json in UTF-8, without a Content-Encoding.");
  }
  const text = await request.text();
  if (new TextEncoder().encode(text).length > MAX_BODY_BYTES) throw new Problem(413, "The body is larger than 64 KiB.");
  try {
    const { user, ...others } = parseStrict(text);
    if (typeof user === "object" && user && !Array.isArray(user) && Object.keys(others).length === 0) return user as Record<string, unknown>;
  } catch {
    // Not JSON: the same fault for the caller.
  }
  throw new Problem(400, 'The body must be one JSON object {"user": {…}}.');
}
