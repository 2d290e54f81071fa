import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What the snippets use of NextAuth. */
const NEXT_AUTH = `
declare module "next-auth" {
  export interface NextAuthOptions {
    providers: object[];
    session?: { strategy?: "jwt" | "database"; maxAge?: number };
    events?: { signIn?: (message: { user: { id: string; name?: string | null } }) => Promise<void> };
  }
  export default function NextAuth(options: NextAuthOptions): (request: Request) => Promise<Response>;
}
declare module "next-auth/providers/github" {
  export default function GitHub(options: { clientId: string; clientSecret: string }): object;
}`;

test.each([
  ["../README.md", 1],
  ["README.md", 9],
  ["../docs/nextjs.md", 5],
  ["../docs/guides.md", 3],
])("the snippets of %s compile", (page, count) => {
  const folder = mkdtempSync(join(tmpdir(), "readme-"));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  try {
    const snippets = [...readFileSync(join(root, page), "utf8").matchAll(/^```tsx?\n\/\/ (.*)\n([^]*?)^```$/gm)];
    expect(snippets.length).toBe(count);
    for (const [, path, text] of snippets) {
      write(path as string, text as string);
      // An action whose form.get() is another one would run it for whoever posts it.
      if (/^"use server"[^]*form\.get/.test(text as string)) expect(text).toMatch(/FormData\) \{\n {2}if \(!\(form instanceof FormData\)\) redirect/);
    }
    write("lib/users.ts", "export declare function checkPassword(...form: unknown[]): Promise<{ id: string; name: string; role: string; passwordHash: string } | null>;");
    write("next-auth.d.ts", NEXT_AUTH);
    write("package.json", '{"type":"module"}');
    const compilerOptions = { module: "esnext", moduleResolution: "bundler", jsx: "react-jsx", strict: true, noEmit: true, skipLibCheck: true, paths: { "@/*": ["./*"] } };
    write("tsconfig.json", JSON.stringify({ compilerOptions: { ...compilerOptions, lib: ["esnext", "dom"], types: ["react", "node"] } }));
    mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
    for (const name of ["next", "react", "@types/react", "@types/node"]) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
    symlinkSync(root, join(folder, "node_modules/caddy-session-guard"));
    const { stdout } = spawnSync(process.execPath, [join(root, "node_modules/typescript/lib/tsc.js"), "-p", folder], { encoding: "utf8" });
    expect(stdout).toBe("");
    if (page !== "README.md") return;
    // The Caddyfile that it shows is the one that its command prints.
    write("Caddyfile", readFileSync(join(root, page), "utf8").match(/^```caddyfile\n([^]*?)^```$/m)?.[1] as string);
    symlinkSync(join(root, "node_modules/typescript-5"), join(folder, "node_modules/typescript"));
    const command = [join(root, "dist/cli/main.js"), "caddyfile", "lib/auth.ts", "--check", "Caddyfile"];
    const check = spawnSync(process.execPath, command, { cwd: folder, encoding: "utf8" });
    expect(check).toMatchObject({ stdout: "", stderr: "", status: 0 });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
