import type { NextRequest, NextResponse } from "next/server.js";
import { POLLUTING } from "./browser-update.js";
import { findPathFault, findPatternFault, findPlaceholder } from "./pattern.js";
import { findRule, splitLocale, TYPES, type RouteRule, type RouteType } from "./route.js";
import type { Session, User } from "./types.js";

export type MaybePromise<T> = T | Promise<T>;

/** Session settings. Behind Caddy they must say what the Caddyfile says: `npx caddy-session-guard caddyfile <module> --check Caddyfile`. */
export interface SessionConfig<T extends User = User> {
  /**
   * Shared with Caddy, at least 32 bytes. Needed for `encryptSession`, `decryptSession` and development without Caddy; behind Caddy the app
   * needs none. Default: SESSION_SECRET from the environment.
   */
  secretKey?: string | undefined;
  /** Sliding lifetime in seconds. Default: 7 days. */
  sessionExpiry?: number | undefined;
  /** A session is refreshed when fewer seconds than this are left; `autoRefresh: false` switches that off. Default: 1 day. */
  refreshThreshold?: number | undefined;
  /** Caddy's `cookie_name`. Default: "session"; "session_<realm>" for a named realm. */
  cookieName?: string | undefined;
  /** Refreshes the session when it is used. Default: true. */
  autoRefresh?: boolean | undefined;
  /** Sends the cookie over HTTPS only, and to localhost. Default: true in production and with `sameSite: "none"`, which browsers refuse otherwise. */
  secureCookie?: boolean | undefined;
  /** Default: "lax". */
  sameSite?: "strict" | "lax" | "none" | undefined;
  /** Caddy's realm, where it has a name. Default: "default". */
  realm?: string | undefined;
  /** Caddy's `client_update`: the user fields that a browser may change. Default: none. */
  clientUpdate?: string[] | undefined;
  /** Caddy's `forward_cookie`: the app also gets the sealed cookie, so that less fits into a session. Default: false. */
  forwardCookie?: boolean | undefined;
  /** Runs wherever the session is read, as in `getSession()`, but not to sign in or out; false means that nobody is signed in. */
  onValidate?: ((session: Session<T>) => MaybePromise<boolean>) | undefined;
  /** Runs in `refreshSession()`; what it returns replaces user and tokens, null refuses the refresh. */
  onRefresh?: ((session: Session<T>) => MaybePromise<Session<T> | null>) | undefined;
}

/** Called by `middleware()` before it decides; an answer replaces the decision. */
export type Authorize = (
  isAuthenticated: boolean,
  request: NextRequest,
  rule?: RouteRule,
) => MaybePromise<NextResponse | Response | undefined | void>;

/** Rules. Behind Caddy they are enforced there; `middleware()` enforces them where there is no Caddy in front. */
export interface MiddlewareConfig {
  /** The first rule that matches decides. */
  routes?: RouteRule[] | undefined;
  /** For paths that no rule matches. Default: "hybrid". */
  defaultType?: RouteType | undefined;
  /** Default: "/login". */
  loginPath?: string | undefined;
  /** Default: "/". */
  homePath?: string | undefined;
  /** Path prefixes that are stripped before matching and kept in redirects. */
  locales?: string[] | undefined;
  authorize?: Authorize | undefined;
}

export interface NextAuthSessionConfig<T extends User = User> {
  session?: SessionConfig<T> | undefined;
  middleware?: MiddlewareConfig | undefined;
}

/** With every default filled in. `Required` would keep the undefined that stands in a type, where `exactOptionalPropertyTypes` is set. */
type Resolved<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };

/** Session settings with their defaults. The secret is left out. */
export type ResolvedSessionConfig<T extends User = User> = Resolved<Omit<SessionConfig<T>, "secretKey" | "onValidate" | "onRefresh">> &
  Pick<SessionConfig<T>, "onValidate" | "onRefresh">;

export type ResolvedMiddlewareConfig = Resolved<Omit<MiddlewareConfig, "authorize">> & Pick<MiddlewareConfig, "authorize">;

const DAY = 24 * 60 * 60;

/** Fills in the defaults. Throws one error that names every wrong setting and says what to write. */
export function resolveConfig<T extends User>(
  config: NextAuthSessionConfig<T>,
): { session: ResolvedSessionConfig<T>; middleware: ResolvedMiddlewareConfig } {
  const faults = findFaults(config);
  if (faults.length === 0) faults.push(...findLoops(config.middleware ?? {}));
  if (faults.length > 0) throw new Error(`NextAuthSession: ${faults.join("; ")}.`);
  const { secretKey: _, ...session } = config.session ?? {};
  const realm = session.realm ?? "default";
  return {
    session: {
      sessionExpiry: 7 * DAY,
      refreshThreshold: DAY,
      cookieName: realm === "default" ? "session" : `session_${realm}`,
      autoRefresh: true,
      secureCookie: process.env.NODE_ENV === "production" || session.sameSite === "none",
      sameSite: "lax",
      clientUpdate: [],
      forwardCookie: false,
      ...defined(session),
      realm,
    },
    middleware: {
      routes: [],
      defaultType: "hybrid",
      loginPath: "/login",
      homePath: "/",
      locales: [],
      ...defined(config.middleware ?? {}),
    },
  };
}

/** Without the members that are undefined, so that they do not hide a default. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never;
}

/** `look` finds what Caddy would refuse in a value of the right type. */
type Check = [test: (value: unknown) => boolean, write: string, look?: (value: never, name: string) => (string | undefined)[]];

const seconds: Check = [
  (value) => Number.isSafeInteger(value) && (value as number) > 0,
  "a whole number of seconds, such as 86400",
  (value: number, name) => [value > 100 * 365 * DAY ? `${name} is longer than 100 years; write a shorter one` : undefined],
];
const flag: Check = [(value) => typeof value === "boolean", "true or false"];
const path: Check = [
  (value) => typeof value === "string" && /^\/(?!\/)[^?#\s]*$/.test(value),
  'a path, such as "/login"',
  (value: string, name) => [
    value.includes("*") ? `${name} ${JSON.stringify(value)} is not a plain path; write it without *` : findPathFault(name, value),
  ],
];
const callback: Check = [(value) => typeof value === "function", "a function"];

const CHECKS: Record<string, Record<string, Check>> = {
  session: {
    secretKey: [(value) => typeof value === "string", "a string, such as process.env.SESSION_SECRET"],
    sessionExpiry: seconds,
    refreshThreshold: [seconds[0], "a whole number of seconds, such as 3600; to switch it off, write autoRefresh: false", seconds[2]],
    cookieName: [(value) => typeof value === "string" && /^[\w!#$%&'*+.^`|~-]+$/.test(value), 'a cookie name, such as "session"', findCookieNameFaults],
    autoRefresh: flag,
    secureCookie: flag,
    sameSite: [(value) => ["strict", "lax", "none"].includes(value as string), '"strict", "lax" or "none"'],
    realm: [(value) => typeof value === "string" && /^[\w-]+$/.test(value), "the name of Caddy's realm"],
    clientUpdate: [isStringArray, 'a list of user fields, such as ["name"]', findFieldFaults],
    forwardCookie: flag,
    onValidate: callback,
    onRefresh: callback,
  },
  middleware: {
    routes: [Array.isArray, 'a list of rules, such as [route.auth("/dashboard/*")]', findRuleFaults],
    defaultType: [(value) => TYPES.includes(value as RouteType), '"public", "auth" or "hybrid"'],
    loginPath: path,
    homePath: path,
    locales: [isStringArray, 'a list of locales, such as ["en", "ar"]', findLocaleFaults],
    authorize: callback,
  },
};

function findFaults<T extends User>(config: NextAuthSessionConfig<T>): string[] {
  if (!isObject(config)) return ["the configuration must be an object, such as { session: {}, middleware: {} }"];
  const faults: string[] = [];
  for (const [section, settings] of Object.entries(config)) {
    const checks = Object.hasOwn(CHECKS, section) ? CHECKS[section] : undefined;
    if (!checks) {
      faults.push(`"${section}" is unknown; write ${words(CHECKS)}`);
      continue;
    }
    if (!isObject(settings ?? {})) {
      faults.push(`${section} must be an object of settings: ${words(checks)}`);
      continue;
    }
    for (const [name, value] of Object.entries(settings ?? {})) {
      const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
      if (!check) faults.push(`"${section}.${name}" is unknown; write ${words(checks)}`);
      else if (value !== undefined) faults.push(...findValueFaults(`${section}.${name}`, value, check));
    }
  }
  if (config.session?.realm && !config.session.cookieName) faults.push(...findDefaultNameFaults(config.session.realm));
  if (config.session?.sameSite === "none" && config.session.secureCookie === false) {
    faults.push('session.sameSite "none" needs secureCookie true, since browsers refuse such a cookie otherwise');
  }
  return faults;
}

function findValueFaults(name: string, value: unknown, [test, write, look]: Check): string[] {
  if (!test(value)) return [`${name} must be ${write}`];
  return (look?.(value as never, name) ?? []).filter((fault) => fault !== undefined);
}

function findRuleFaults(rules: unknown[], name: string): (string | undefined)[] {
  return rules.map((rule, index) => {
    const { pattern, type } = (rule ?? {}) as Partial<RouteRule>;
    if (typeof pattern !== "string" || !TYPES.includes(type as RouteType)) {
      return `${name} must be a list of rules: write rule ${index + 1} as route.public(path), route.auth(path) or route.hybrid(path)`;
    }
    const fault = findPatternFault(pattern);
    return fault && `${name}: ${type} rule ${index + 1}: ${fault}`;
  });
}

function findCookieNameFaults(cookie: string, name: string): (string | undefined)[] {
  if (cookie.length > 128) return [`${name} has ${cookie.length} bytes, more than 128; write a shorter one`];
  if (!/^__(host|secure|http|host-http)-/i.test(cookie)) return [];
  return [`${name} ${JSON.stringify(cookie)} begins with a prefix; leave it out, Caddy's cookie_prefix puts it in front`];
}

/** A realm's name is part of its cookie's. */
function findDefaultNameFaults(realm: string): string[] {
  return findCookieNameFaults(`session_${realm}`, "the cookie of session.realm").filter((fault) => fault !== undefined);
}

function findFieldFaults(fields: string[], name: string): (string | undefined)[] {
  return fields.map((field, index) => {
    if (POLLUTING.includes(field)) {
      return `${name} ${JSON.stringify(field)} can never be changed: the session API refuses this name everywhere; remove it`;
    }
    if (/^user\../s.test(field)) return `${name} ${JSON.stringify(field)} names no field: fields are named without "user."; write ${field.slice(5)}`;
    if (field === "*") return `${name} "*" names no field; write each field that a browser may change, such as "name"`;
    if (field.includes(",")) return `${name} ${JSON.stringify(field)} has a comma; write each field as a string of its own`;
    if (field === "id") return `${name} "id" says who the user is, so a browser cannot change it; remove it`;
    return fields.indexOf(field) < index ? `${name} has ${JSON.stringify(field)} twice; remove one` : findPlaceholder(name, field);
  });
}

function findLocaleFaults(locales: string[]): (string | undefined)[] {
  const folded = locales.map((locale) => locale.toLowerCase());
  return folded.map((locale, index) => {
    const named = `locale ${JSON.stringify(locales[index])}`;
    if (!/^[a-z0-9_-]+$/.test(locale)) return `${named} is not a path prefix; write it as it stands in the path, such as en or pt-BR`;
    return folded.indexOf(locale) < index ? `${named} is written twice (letter case does not count); remove one` : undefined;
  });
}

/** Redirects that would never end, or lead to a path that is not there. */
function findLoops({ routes = [], defaultType = "hybrid", loginPath = "/login", homePath = "/", locales = [] }: MiddlewareConfig): string[] {
  const rules = { routes, defaultType, loginPath, locales };
  const loops = Object.entries({ loginPath, homePath }).flatMap(([name, path]) => {
    const { locale, rest } = splitLocale(path, locales);
    return locale ? [`middleware.${name} "${path}" begins with a locale, which is added to redirects; write ${rest}`] : [];
  });
  if (findRule(homePath, rules).type === "public") loops.push(`middleware.homePath "${homePath}" is public, so signed-in visitors would be sent there forever; name another`);
  // A browser asks for the first of these. Some servers take what follows a semicolon for a parameter.
  const logins = [loginPath.replaceAll(";", "%3B"), loginPath.replace(/;[^/]*/g, "")];
  if (logins.some((path) => findRule(path, rules).type === "auth")) loops.push(`middleware.loginPath "${loginPath}" has an auth rule, so nobody could sign in; make it public`);
  return loops;
}

function words(record: object) {
  const names = Object.keys(record);
  return `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}

function isStringArray(value: unknown) {
  return Array.isArray(value) && value.every((item) => typeof item === "string" && item !== "");
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
