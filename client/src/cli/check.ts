import { patterns, TYPES, type RouteType } from "../route.js";
import { callbacks, DEFAULTS, guardDirectives, settingDirectives, type Directive } from "./directives.js";
import { CommandError, type Configuration } from "./load.js";
import { findAll, type Caddyfile } from "./parse.js";

/** What a guard says for itself; all else is said of its realm. */
const GUARD = ["default", "login_path", "home_path", "locales"];

/** Where Caddy's session API answers, and where the hooks ask. */
const DEFAULT_PATH = "/api/session";

/** What the Caddyfile may have on purpose, and the configuration has no words for. */
export const IGNORABLE = ["session_api", "base_path"];

/**
 * Where a Caddyfile and a configuration drift apart; empty if they agree. Every session_guard of the realm must agree, on whichever site it stands:
 * whichever of them is open is a way in.
 */
export function findDrift(configuration: Configuration, { options, sites }: Caddyfile, ignored: string[] = []): string[] {
  const realm = configuration.config.session?.realm ?? "default";
  const guarded = sites.map((site) => ({ site, guards: ofRealm(site, "session_guard", realm) })).filter(({ guards }) => guards.length > 0);
  const guards = guarded.flatMap((site) => site.guards);
  if (guards.length === 0) throw new CommandError(`The Caddyfile and its imports have no session_guard of realm ${realm}; give the Caddyfile that has it.`);
  const named = options.find(({ name, arguments: [other = "default"] }) => name === "session" && other === realm)?.block ?? [];
  const drift = guarded.flatMap(({ site, guards }) => [
    ...(ignored.includes("session_api") ? [] : compareAPI(ofRealm(site, "session_api", realm), guards, realm)),
    ...guards.flatMap((guard) => {
      const where = guards.length > 1 || guarded.length > 1 ? `session_guard in line ${guard.line}, ` : "";
      const drift = [...compareGuard(configuration, guard), ...(ignored.includes("base_path") ? [] : compareBasePath(configuration, guard))];
      return drift.map((difference) => where + difference);
    }),
  ]);
  // Settings are the realm's: they may be spread over the global options and its guards.
  drift.push(...compareSettings(configuration, [...named, ...guards.flatMap(({ block = [] }) => block)], realm));
  return [...new Set(drift)];
}

/** The hooks ask the session API at the path that they know, of the realm that the guard beside it has. */
function compareAPI(found: Directive[], guards: Directive[], realm: string): string[] {
  const [api] = found;
  if (!api) return [`session_api: the Caddyfile has none of realm ${realm} beside the session_guard in line ${guards[0]?.line} (on purpose? --ignore session_api)`];
  const path = valueOf(api, "path") ?? DEFAULT_PATH;
  const usual = ["", ...guards.map((guard) => (valueOf(guard, "base_path") ?? "").replace(/\/$/, ""))].map((base) => base + DEFAULT_PATH);
  return [...takesNoMatcher(api), ...(usual.includes(path) ? [] : [`session_api: the hooks ask ${DEFAULT_PATH}, the Caddyfile says path ${path} (on purpose? --ignore session_api)`])];
}

/** Rules, paths and what else one guard says for itself. */
function compareGuard(configuration: Configuration, guard: Directive): string[] {
  const lines = guard.block ?? [];
  const wanted = guardDirectives(configuration);
  const drift = takesNoMatcher(guard);
  const [ours, theirs] = [rules(wanted), rules(lines)];
  for (let index = 0; index < Math.max(ours.length, theirs.length); index++) {
    const [mine, other] = [ours[index], theirs[index]];
    if (mine !== other) {
      drift.push(`rule ${index + 1}: the configuration says ${mine ?? "nothing"}, the Caddyfile says ${other ?? "nothing"}`);
      break; // every rule after the first that differs has moved
    }
  }
  for (const name of Object.keys(DEFAULTS).filter((name) => GUARD.includes(name))) drift.push(...compareSetting(name, wanted, lines, ""));
  return [...drift, ...missingHooks(configuration, lines, (hook) => hook === "authorize")];
}

/** Next.js puts its basePath in front of every page, so the rules of a guard without it miss them. One that reads the build finds it there. */
function compareBasePath({ basePath }: Configuration, guard: Directive): string[] {
  const written = valueOf(guard, "base_path");
  const known = basePath !== undefined && (written !== undefined || !valueOf(guard, "next_build"));
  if (!known || (written ?? "").replace(/\/+$/, "") === basePath) return [];
  return [`base_path: next.config says ${basePath || "nothing"}, the Caddyfile says ${written ?? "nothing"} (on purpose? --ignore base_path)`];
}

function compareSettings(configuration: Configuration, lines: Directive[], realm: string): string[] {
  const wanted = settingDirectives(configuration.config);
  const names = Object.keys(DEFAULTS).filter((name) => !GUARD.includes(name));
  return [
    ...names.flatMap((name) => compareSetting(name, wanted, lines, realm)),
    ...missingHooks(configuration, lines, (hook) => hook !== "authorize"),
  ];
}

function compareSetting(name: string, wanted: Directive[], lines: Directive[], realm: string): string[] {
  const [mine, other] = [setting(wanted, name, realm), setting(lines, name, realm)];
  if (normal(name, mine) === normal(name, other)) return [];
  return [`${name}: the configuration says ${mine.join(" ") || "nothing"}, the Caddyfile says ${other.join(" ") || "nothing"}`];
}

function missingHooks(configuration: Configuration, lines: Directive[], asked: (hook: string) => boolean): string[] {
  const missing = callbacks(configuration).filter(({ hook }) => asked(hook) && !lines.some((line) => line.name === hook));
  return missing.map(({ name, hook }) => `${name} has no ${hook} hook in the Caddyfile`);
}

/** Caddy would not start with one: a session_guard removes forged headers from every request of its site. */
function takesNoMatcher({ name, arguments: list }: Directive): string[] {
  return list.length > 0 ? [`${name}: it takes no matcher, the Caddyfile says ${name} ${list.join(" ")}`] : [];
}

function ofRealm(site: Directive[], name: string, realm: string): Directive[] {
  return findAll(site, name).filter((line) => (valueOf(line, "realm") ?? "default") === realm);
}

function valueOf({ block = [] }: Directive, name: string): string | undefined {
  return block.find((line) => line.name === name)?.arguments[0];
}

/** Every pattern with its type, in order. A `require` only asks for more, and the configuration has no word for it. */
function rules(lines: Directive[]): string[] {
  return lines
    .filter(({ name }) => TYPES.includes(name as RouteType))
    .flatMap(({ name, arguments: list }) => list.map((pattern) => `${name} ${patterns[pattern as keyof typeof patterns] ?? pattern}`));
}

function setting(lines: Directive[], name: string, realm: string): string[] {
  const fallback = name === "cookie_name" && realm !== "default" ? [`session_${realm}`] : (DEFAULTS[name] ?? []);
  return lines.findLast((line) => line.name === name)?.arguments ?? fallback;
}

/** One spelling for values that mean the same. */
function normal(name: string, values: string[]): string {
  if (name === "expiry" || name === "refresh_threshold") return String(nanoseconds(values[0] ?? ""));
  return (name === "client_update" || name === "locales" ? [...values].sort() : values).join("\n");
}

/** In nanoseconds. Go takes both the micro sign and the Greek letter. */
const UNITS: Record<string, number> = { d: 86_400e9, h: 3600e9, m: 60e9, s: 1e9, ms: 1e6, us: 1e3, "\u00b5s": 1e3, "\u03bcs": 1e3, ns: 1 };

/** A duration such as 1d12h30m; what is none stays as it is. */
function nanoseconds(duration: string): number | string {
  if (!/^((\d+\.?\d*|\.\d+)(d|h|[mnu\u00b5\u03bc]?s|m))+$/.test(duration)) return duration;
  const parts = duration.matchAll(/(\d+\.?\d*|\.\d+)(d|h|[mnu\u00b5\u03bc]?s|m)/g);
  return Math.round([...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit as string] ?? 0), 0));
}
