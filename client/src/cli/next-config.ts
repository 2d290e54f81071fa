// A process of its own: tells on its fourth stream what the Next.js in the given folder reads in its configuration when it builds.
import { writeSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

type LoadConfig = (phase: string, dir: string) => Promise<{ basePath: string }>;

/** What the process says. */
export type Answer = { basePath: string } | { reason: string };

const [folder] = process.argv.slice(2) as [string];

function answer(found: Answer): never {
  writeSync(3, JSON.stringify(found));
  process.exit(); // the configuration may have left a connection or a timer open
}

/** Next.js wraps what goes wrong; the first line says it, the rest is a stack. */
function explain(reason: unknown): string {
  const { cause } = (reason ?? {}) as { cause?: unknown };
  if (cause) return explain(cause);
  const text = reason instanceof Error ? reason.message : String(reason);
  return (text.split("\n")[0] as string).replace(/\.$/, "");
}

try {
  const require = createRequire(join(folder, "package.json"));
  const { default: loadConfig } = require("next/dist/server/config") as { default: LoadConfig };
  const { basePath } = await loadConfig("phase-production-build", folder);
  answer({ basePath });
} catch (reason) {
  answer({ reason: explain(reason) });
}
