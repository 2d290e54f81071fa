#!/usr/bin/env node
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { findDrift, IGNORABLE } from "./check.js";
import { callbacks, render } from "./directives.js";
import { CommandError, loadConfiguration, type Configuration } from "./load.js";
import { parseCaddyfile } from "./parse.js";

const USAGE = `Usage: caddy-session-guard caddyfile <module> [--check <Caddyfile>] [--ignore <name>]

Prints what the configuration in <module> (such as lib/auth.ts) and the basePath of next.config mean
for the site's block of a Caddyfile: session_api and session_guard.

With --check it prints nothing and fails when the Caddyfile says something else. Every session_guard
of the realm must agree, and have a session_api on its site. --ignore session_api is for one on
another path, or in a file that is not imported; --ignore base_path is for a Caddy that changes the
path between session_guard and the app.
`;

/** Runs the command and returns its exit code: 0 if all is well, 1 if not, 2 if it was called wrongly. */
function main(parameters: string[]): number {
  const options = { check: { type: "string" }, ignore: { type: "string", multiple: true }, help: { type: "boolean", short: "h" } } as const;
  const { values, positionals } = parseArgs({ args: parameters, options, allowPositionals: true });
  const [command, module, ...rest] = positionals;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { check: caddyfile, ignore = [] } = values;
  const misused = (reason: string) => {
    process.stderr.write(`${reason}\n\n${USAGE}`);
    return 2;
  };
  if (command !== "caddyfile") return misused(command === undefined ? "Name a command." : `There is no command ${command}; write caddyfile.`);
  if (!module) return misused("Name the module with the configuration, such as lib/auth.ts.");
  if (rest.length > 0) return misused(`${rest[0]} is one argument too many.`);
  if (ignore.some((name) => !IGNORABLE.includes(name))) return misused(`--ignore takes ${IGNORABLE.join(" or ")}.`);
  if (ignore.length > 0 && caddyfile === undefined) return misused("--ignore goes with --check.");
  return caddyfile === undefined ? print(module) : check(module, caddyfile, ignore);
}

function load(module: string): Configuration {
  const configuration = loadConfiguration(module);
  for (const file of configuration.unread) process.stderr.write(`Not read: ${file}.\n`);
  return configuration;
}

function print(module: string): number {
  const configuration = load(module);
  process.stdout.write(render(configuration));
  const left = callbacks(configuration);
  for (const { name, hook } of left) {
    process.stderr.write(`${module}: Caddy cannot run ${name}; put it behind a URL and write ${hook} http://127.0.0.1:3000/… into session_guard (docs/guides.md).\n`);
  }
  return left.length > 0 ? 1 : 0;
}

function check(module: string, caddyfile: string, ignored: string[]): number {
  if (!existsSync(caddyfile)) throw new CommandError(`There is no ${caddyfile}.`);
  // Read first, since Caddy does not know the app's .env files, which the configuration sets.
  const parsed = parseCaddyfile(caddyfile);
  const drift = findDrift(load(module), parsed, ignored);
  for (const difference of drift) process.stderr.write(`${caddyfile} and ${module} differ: ${difference}.\n`);
  return drift.length > 0 ? 1 : 0;
}

// What the app's module prints must not end up in a Caddyfile.
console.log = console.info = console.debug = console.error;

let code: number;
try {
  code = main(process.argv.slice(2));
} catch (reason) {
  const usage = (reason as { code?: string }).code?.startsWith("ERR_PARSE_ARGS");
  if (!usage && !(reason instanceof CommandError)) throw reason;
  process.stderr.write(`${(reason as Error).message}\n`);
  code = usage ? 2 : 1;
}
process.exit(code); // the module may have left a connection or a timer open
