// Compiles src/ into dist/ from scratch, so that no file of an older build is ever packed.
import { execFileSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = join(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), "..");
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "lib", "tsc.js"); // bin/tsc needs Node.js 20.10

rmSync(join(root, "dist"), { recursive: true, force: true });
execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.build.json")], { stdio: "inherit" });
chmodSync(join(root, "dist", "cli", "main.js"), 0o755);
