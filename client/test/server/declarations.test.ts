import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

test.each([
  ["typescript", "node16", "node16"],
  ["typescript", "esnext", "bundler"],
  ["typescript-5", "node16", "node16"],
  ["typescript-5", "esnext", "bundler"],
])("what is inferred has a name in declarations (%s, %s, %s)", (typescript, module, moduleResolution) => {
  const folder = mkdtempSync(join(tmpdir(), "declarations-"));
  try {
    cpSync(join(root, "test/types/declarations"), join(folder, "src"), { recursive: true });
    mkdirSync(join(folder, "node_modules/caddy-session-guard"), { recursive: true });
    // Copied, since the compiler takes what is behind a link for the app's own files.
    for (const name of ["dist", "package.json"]) cpSync(join(root, name), join(folder, "node_modules/caddy-session-guard", name), { recursive: true });
    for (const name of ["next", "react", "@types"]) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    const compilerOptions = { module, moduleResolution, composite: true, outDir: "out", jsx: "react-jsx", target: "es2022", strict: true, skipLibCheck: true, types: [] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["src"] }));
    const { stdout, status } = spawnSync(process.execPath, [join(root, "node_modules", typescript, "lib/tsc.js"), "-p", folder], { encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
