import type { NextAuthSessionConfig } from "../config.js";
import { MAX_LIFETIME } from "../session.js";
import { CommandError, type Configuration } from "./load.js";

/** What a guard is made of. */
type Guarded = Pick<Configuration, "config" | "basePath">;

/** A line of a Caddyfile, with the block behind it. */
export interface Directive {
  name: string;
  arguments: string[];
  block?: Directive[];
  /** Where it stands in the Caddyfile that was read, or in a file that it imports. */
  line?: number;
  file?: string;
}

/** What Caddy does without being told, in the words of the Caddyfile. */
export const DEFAULTS: Record<string, string[]> = {
  default: ["hybrid"],
  login_path: ["/login"],
  home_path: ["/"],
  locales: [],
  cookie_name: ["session"],
  expiry: ["7d"],
  refresh_threshold: ["1d"],
  auto_refresh: ["on"],
  secure_cookie: ["auto"],
  same_site: ["lax"],
  client_update: [],
  forward_cookie: ["off"],
};

/** The rules and paths of a configuration, for `session_guard`. */
export function guardDirectives({ config: { middleware = {} }, basePath }: Guarded): Directive[] {
  const { routes = [], defaultType = "hybrid", loginPath, homePath, locales } = middleware;
  const rules: Directive[] = [];
  for (const { type, pattern } of routes) {
    const last = rules.at(-1);
    if (last?.name === type) last.arguments.push(pattern);
    else rules.push({ name: type, arguments: [pattern] });
  }
  // Written out, since Caddy warns of an open default that nobody asked for.
  return [...rules, ...directives({ default: defaultType, login_path: loginPath, home_path: homePath, locales, base_path: basePath || undefined })];
}

/** The session settings of a configuration. The secret is named by its environment variable, never written. */
export function settingDirectives({ session = {} }: NextAuthSessionConfig): Directive[] {
  return directives({
    secret: secretReference(session.secretKey),
    cookie_name: session.cookieName,
    expiry: duration(session.sessionExpiry),
    refresh_threshold: duration(session.refreshThreshold),
    max_lifetime: (session.sessionExpiry ?? 0) > MAX_LIFETIME ? duration(session.sessionExpiry) : undefined,
    auto_refresh: choice(session.autoRefresh, "on", "off"),
    secure_cookie: choice(session.secureCookie, "always", "never"),
    same_site: session.sameSite,
    client_update: session.clientUpdate,
    forward_cookie: choice(session.forwardCookie, "on", "off"),
  });
}

/** The callbacks that Caddy cannot run, each with the hook that may take its place. */
export function callbacks({ config, customHandler }: Configuration): { name: string; hook: string }[] {
  return [
    { name: "session.onValidate", hook: "validate", present: config.session?.onValidate },
    { name: "session.onRefresh", hook: "on_refresh", present: config.session?.onRefresh },
    { name: "middleware.authorize", hook: "authorize", present: config.middleware?.authorize },
    { name: "the handler given to middleware()", hook: "authorize", present: customHandler },
  ].filter(({ present }) => present);
}

/** The Caddyfile text of a configuration: for the inside of a site, after the global options of a named realm. */
export function render({ config, basePath }: Guarded): string {
  const realm = config.session?.realm ?? "default";
  const guard = guardDirectives({ config, basePath });
  const settings = settingDirectives(config);
  if (realm === "default") return write([{ name: "session_api", arguments: [] }, { name: "session_guard", arguments: [], block: [...guard, ...settings] }]);
  const options: Directive = { name: "", arguments: [], block: [{ name: "session", arguments: [realm], block: settings }] };
  const named: Directive = { name: "realm", arguments: [realm] };
  const site: Directive[] = [
    { name: "session_api", arguments: [], block: [named] },
    { name: "session_guard", arguments: [], block: [named, ...guard] },
  ];
  return `${write([options])}\n${write(site)}`;
}

function write(lines: Directive[], indent = ""): string {
  return lines
    .map(({ name, arguments: parameters, block }) => {
      const line = [...(name ? [name] : []), ...parameters.map(quote), ...(block ? ["{"] : [])].join(" ");
      return `${indent}${line}\n${block ? `${write(block, `${indent}\t`)}${indent}}\n` : ""}`;
    })
    .join("");
}

/** A token as the Caddyfile's lexer reads it back. Between double quotes a backslash may belong to the quote behind it, so it goes between backquotes. */
function quote(token: string): string {
  if (/^(?!#|<<|[{}]$)[^\s\u0085"`\\]+$/.test(token)) return token;
  if (!token.includes("\\")) return `"${token.replaceAll('"', '\\"')}"`;
  if (!token.includes("`")) return `\`${token}\``;
  throw new CommandError(`${JSON.stringify(token)} has a backslash and a backquote, which cannot be written into a Caddyfile safely; choose another name.`);
}

/** Those that are set, in this order. */
function directives(settings: Record<string, string | string[] | undefined>): Directive[] {
  return Object.entries(settings).flatMap(([name, value]) => {
    const parameters = value === undefined ? [] : [value].flat();
    return parameters.length > 0 ? [{ name, arguments: parameters }] : [];
  });
}

const DAY = 24 * 60 * 60;

function choice(flag: boolean | undefined, yes: string, no: string): string | undefined {
  return flag === undefined ? undefined : flag ? yes : no;
}

/** Seconds in Caddy's notation, in the largest unit that needs no fraction. */
function duration(seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined;
  const [unit, length] = ([["d", DAY], ["h", 3600], ["m", 60]] as const).find(([, size]) => seconds > 0 && seconds % size === 0) ?? ["s", 1];
  return `${seconds / length}${unit}`;
}

/** Caddy reads SESSION_SECRET without being told; another variable is named. */
function secretReference(secret: string | undefined): string | undefined {
  if (!secret || secret === process.env.SESSION_SECRET) return undefined;
  const variable = Object.keys(process.env).find((name) => process.env[name] === secret);
  return `{env.${variable ?? "SESSION_SECRET"}}`;
}
