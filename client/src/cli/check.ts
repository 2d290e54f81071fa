import { patterns } from "../route.js";
import { callbacks, DEFAULTS, guardDirectives, settingDirectives, type Directive } from "./directives.js";
import { CommandError, type Configuration } from "./load.js";

const TYPES = ["public", "auth", "hybrid"];

/** Where a Caddyfile and a configuration drift apart; empty if they agree. Of several guards the one that comes closest is compared. */
export function findDrift(configuration: Configuration, caddyfile: Directive[]): string[] {
  const realm = configuration.config.session?.realm ?? "default";
  const guards = findAll(caddyfile, "session_guard").filter(({ block }) => realmOf(block) === realm);
  if (guards.length === 0) throw new CommandError(`The Caddyfile has no session_guard of realm ${realm}; files that it imports are not read, so name the one that has it.`);
  const options = findAll(caddyfile, "session").find(({ arguments: [name = "default"] }) => name === realm);
  const drifts = guards.map((guard) => compare(configuration, [...(options?.block ?? []), ...(guard.block ?? [])], realm));
  return drifts.reduce((closest, drift) => (drift.length < closest.length ? drift : closest));
}

function compare(configuration: Configuration, lines: Directive[], realm: string): string[] {
  const wanted = [...guardDirectives(configuration.config), ...settingDirectives(configuration.config)];
  const drift: string[] = [];
  const [ours, theirs] = [rules(wanted), rules(lines)];
  for (let index = 0; index < Math.max(ours.length, theirs.length); index++) {
    const [mine = "nothing", other = "nothing"] = [ours[index], theirs[index]];
    if (mine === other) continue;
    drift.push(`rule ${index + 1}: the configuration says ${mine}, the Caddyfile says ${other}`);
    break; // every rule after the first that differs has moved
  }
  for (const name of Object.keys(DEFAULTS)) {
    const [mine, other] = [setting(wanted, name, realm), setting(lines, name, realm)];
    if (normal(name, mine) !== normal(name, other)) {
      drift.push(`${name}: the configuration says ${mine.join(" ") || "nothing"}, the Caddyfile says ${other.join(" ") || "nothing"}`);
    }
  }
  for (const { name, hook } of callbacks(configuration)) {
    if (!lines.some((line) => line.name === hook)) drift.push(`${name} has no ${hook} hook in the Caddyfile`);
  }
  return drift;
}

function findAll(lines: Directive[], name: string): Directive[] {
  return lines.flatMap((line) => [...(line.name === name ? [line] : []), ...findAll(line.block ?? [], name)]);
}

function realmOf(block: Directive[] = []): string {
  return block.find(({ name }) => name === "realm")?.arguments[0] ?? "default";
}

/** Every pattern with its type, in order. */
function rules(lines: Directive[]): string[] {
  return lines
    .filter(({ name }) => TYPES.includes(name))
    .flatMap(({ name, arguments: list }) => list.map((pattern) => `${name} ${patterns[pattern as keyof typeof patterns] ?? pattern}`));
}

function setting(lines: Directive[], name: string, realm: string): string[] {
  const fallback = name === "cookie_name" && realm !== "default" ? [`session_${realm}`] : (DEFAULTS[name] ?? []);
  return lines.findLast((line) => line.name === name)?.arguments ?? fallback;
}

/** One spelling for values that mean the same. */
function normal(name: string, values: string[]): string {
  if (name === "expiry" || name === "refresh_threshold") return String(seconds(values[0] ?? ""));
  return (name === "client_update" || name === "locales" ? [...values].sort() : values).join(" ");
}

const UNITS: Record<string, number> = { d: 86_400, h: 3600, m: 60, s: 1, ms: 0.001 };

/** A duration such as 1d12h30m; what is none stays as it is. */
function seconds(duration: string): number | string {
  if (!/^(\d+(\.\d+)?(d|h|ms|m|s))+$/.test(duration)) return duration;
  return [...duration.matchAll(/(\d+(?:\.\d+)?)(d|h|ms|m|s)/g)].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit as string] ?? 0), 0);
}
