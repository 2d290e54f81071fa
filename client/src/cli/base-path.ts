import { spawnSync } from "node:child_process";
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Answer } from "./next-config.js";
import { findUp, packageFolder } from "./find.js";

/** Where Next.js looks for its configuration, in that order, and the names that it refuses. */
const NAMES = ["js", "mjs", "ts", "mts", "cjs", "cts"].map((extension) => `next.config.${extension}`);

/** How long a next.config may take, in milliseconds. */
const PATIENCE = 60_000;

/** What Next.js puts in front of every path of the app: "" if nothing. Not known if there is a reason why. */
export type BasePath = { basePath: string } | { unread: string };

/**
 * The basePath of the app that `module` belongs to, or else of the one in whose folder the command runs. The app's own Next.js reads it as its build does:
 * TypeScript, functions and plugins. What it writes is not for the Caddyfile, and what it changes or leaves open stays in a process of its own.
 */
export function findBasePath(module: string): BasePath {
  const apps = [module, resolve("package.json")].map(packageFolder).map((root) => ({ root, config: findUp(root, NAMES) }));
  const { root, config } = apps.find(({ config }) => config) ?? {};
  if (!root || !config) return { basePath: "" };
  const script = fileURLToPath(new URL("./next-config.js", import.meta.url));
  const env = { ...process.env, NODE_ENV: "production", NEXT_IGNORE_INCORRECT_LOCKFILE: "1" }; // else it may write into the lockfile
  const { error, output } = spawnSync(process.execPath, [script, root], { cwd: root, env, encoding: "utf8", stdio: ["ignore", "ignore", "ignore", "pipe"], timeout: PATIENCE });
  const answer = output?.[3];
  const found: Answer = answer ? JSON.parse(answer) : { reason: error ? `it takes longer than ${PATIENCE / 1000} seconds` : "it ends the process" };
  return "reason" in found ? { unread: `${relative("", config)}: ${found.reason}` } : found;
}
