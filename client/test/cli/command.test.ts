import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { render } from "../../src/cli/directives.js";
import { findAll, parseCaddyfile } from "../../src/cli/parse.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folders: string[] = [];

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const TSCONFIG = JSON.stringify({
  compilerOptions: {
    ...{ target: "ES2017", lib: ["dom", "esnext"], allowJs: true, skipLibCheck: true, strict: true, noEmit: true, module: "esnext", isolatedModules: true },
    ...{ moduleResolution: "bundler", resolveJsonModule: true, jsx: "preserve", incremental: true, plugins: [{ name: "next" }], paths: { "@/*": ["./src/*"] } },
  },
  include: ["**/*.ts", "**/*.tsx"],
  exclude: ["node_modules"],
});

/** An app on disk, with a TypeScript of its own. */
function app(files: Record<string, string>, typescript = "typescript") {
  const folder = mkdtempSync(join(tmpdir(), "app-"));
  folders.push(folder);
  mkdirSync(join(folder, "node_modules"));
  for (const name of ["next", "react"]) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  if (typescript) symlinkSync(join(root, "node_modules", typescript), join(folder, "node_modules", "typescript"));
  for (const [path, text] of Object.entries({ "tsconfig.json": TSCONFIG, "package.json": "{}", ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

function run(folder: string, ...parameters: string[]) {
  return runWith({}, folder, ...parameters);
}

function runWith(environment: Record<string, string>, folder: string, ...parameters: string[]) {
  const { SESSION_SECRET: _, NODE_ENV: __, ...inherited } = process.env;
  const env = { ...inherited, ...environment };
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, "dist/cli/main.js"), ...parameters], { cwd: folder, encoding: "utf8", env });
  return { stdout, stderr, status };
}

const README = `
import { NextAuthSession, route, patterns } from "next-auth-session";
export const { createSession, getSession, middleware, handlers, actions, config, clientConfig } = NextAuthSession({
  session: { sessionExpiry: 60 * 60 * 24, cookieName: "session", autoRefresh: true },
  middleware: {
    routes: [route.public("/login"), route.public("/register"), route.auth(patterns.dashboard), route.hybrid("/")],
    loginPath: "/login",
    homePath: "/",
  },
});
`;

const README_BLOCK = `session_api
session_guard {
	public /login /register
	auth /dashboard/*
	hybrid /
	default hybrid
	login_path /login
	home_path /
	cookie_name session
	expiry 1d
	auto_refresh on
}
`;

/** What stands in the block of its session_guard. */
const INSIDE = README_BLOCK.slice(README_BLOCK.indexOf("{") + 2, README_BLOCK.lastIndexOf("}"));

const unread = (reason: string) =>
  `Not read: ${reason} (if it sets a basePath, write it into session_guard, as in base_path /base: without it, the rules miss its pages).\n`;

describe("caddyfile", () => {
  test.each(["typescript-5", "typescript"])("prints the block of the original's README (%s)", (typescript) => {
    expect(run(app({ "lib/auth.ts": README }, typescript), "caddyfile", "lib/auth.ts")).toEqual({ stdout: README_BLOCK, stderr: "", status: 0 });
  });

  test.each(["typescript-5", "typescript"])("follows path aliases, server-only, JSON and what Next.js resolves (%s)", (typescript) => {
    const folder = app(
      {
        "src/lib/auth.ts": `
          import "server-only";
          import { NextResponse } from "next/server";
          import { NextAuthSession, type Session } from "caddy-session-guard";
          import { routes } from "@/rules";
          import settings from "./settings.json";
          import { locales } from "@/i18n";
          console.log("not for the Caddyfile", NextResponse.name);
          setInterval(() => {}, 1000);
          export const auth = NextAuthSession({ session: settings, middleware: { routes, locales } });
          export type S = Session;`,
        "src/lib/settings.json": '{"sessionExpiry":5400,"refreshThreshold":90}',
        "src/rules.ts": 'import { route } from "caddy-session-guard";\nexport const routes = [route.auth("/orgs/*/a b"), route.public("/login")];',
        "src/i18n/index.tsx": 'export enum L { en = "en", ar = "ar" }\nexport const locales: string[] = Object.values(L);',
      },
      typescript,
    );
    const { stdout, status } = run(folder, "caddyfile", "src/lib/auth.ts");
    expect(stdout).toBe(
      'session_api\nsession_guard {\n\tauth "/orgs/*/a b"\n\tpublic /login\n\tdefault hybrid\n\tlocales en ar\n\texpiry 90m\n\trefresh_threshold 90s\n}\n',
    );
    expect(status).toBe(0);
  });

  test.each(["typescript-5", "typescript"])("reads TypeScript packages of a workspace, which are linked into node_modules (%s)", (typescript) => {
    const folder = app(
      {
        "apps/web/tsconfig.json": TSCONFIG,
        "apps/web/package.json": "{}",
        "apps/web/src/auth.ts": `
          import { NextAuthSession } from "caddy-session-guard";
          import { routes } from "@repo/rules/routes";
          export const auth = NextAuthSession({ middleware: { routes } });
        `,
        "apps/web/src/again.ts": `export { auth } from "@repo/rules";`,
        "packages/rules/package.json": JSON.stringify({ name: "@repo/rules", exports: { ".": "./src/index.ts", "./routes": "./src/routes.mts" } }),
        "packages/rules/src/index.ts": `
          import { NextAuthSession } from "caddy-session-guard";
          import { routes } from "./routes.mjs";
          export const auth = NextAuthSession({ middleware: { routes } });
        `,
        "packages/rules/src/routes.mts": `
          import { route, type RouteRule } from "caddy-session-guard";
          import { area } from "@repo/areas";
          export const routes: RouteRule[] = [route.auth(area as string)];
        `,
        "packages/areas/package.json": JSON.stringify({ name: "@repo/areas", type: "module", exports: { types: "./area.tsx", default: "./area.tsx" } }),
        "packages/areas/area.tsx": `export const area: string = "/area/*";`,
      },
      typescript,
    );
    mkdirSync(join(folder, "node_modules/@repo"));
    for (const name of ["rules", "areas"]) symlinkSync(join(folder, "packages", name), join(folder, "node_modules/@repo", name));
    for (const module of ["src/auth.ts", "src/again.ts"]) {
      const { stdout, stderr } = run(join(folder, "apps/web"), "caddyfile", module);
      expect([stderr, stdout]).toEqual(["", expect.stringContaining("auth /area/*")]);
    }
  });

  test.each(["typescript-5", "typescript"])("leaves errors of types to the app (%s)", (typescript) => {
    const module = `${README}\nconst types = 1 satisfies string;\nif (void 0) types.wrong();\n`;
    expect(run(app({ "auth.ts": module }, typescript), "caddyfile", "auth.ts")).toEqual({ stdout: README_BLOCK, stderr: "", status: 0 });
  });

  test.each([
    ["auth.mts", "typescript-5"],
    ["auth.mts", "typescript"],
    ["auth.mjs", "typescript-5"],
    ["auth.mjs", "typescript"],
  ])("reads %s (%s)", (file, typescript) => {
    const rules = 'export { route as default, patterns } from "next-auth-session";';
    const module = README.replace("route, patterns }", '}').replace(/import/, 'import route, { patterns } from "./rules.mjs";\nimport');
    const folder = app({ [file]: module, "rules.mjs": rules }, typescript);
    expect(run(folder, "caddyfile", file)).toEqual({ stdout: README_BLOCK, stderr: "", status: 0 });
  });

  test("reads packages that are only meant to be imported", () => {
    const folder = app({
      "auth.ts": README.replace("60 * 60 * 24", "day").replace(/import/, 'import { day } from "times";\nimport'),
      "node_modules/times/package.json": '{ "exports": { "import": "./times.js" } }',
      "node_modules/times/times.js": "exports.day = 86400;", // an ES module would need Node.js 20.19
    });
    expect(run(folder, "caddyfile", "auth.ts").stdout).toBe(README_BLOCK);
  });

  test("reads a configuration object that is exported", () => {
    const folder = app({ "auth.config.ts": 'export default { session: { sameSite: "strict" as const }, middleware: { defaultType: "auth" as const } };' });
    expect(run(folder, "caddyfile", "auth.config.ts").stdout).toBe("session_api\nsession_guard {\n\tdefault auth\n\tsame_site strict\n}\n");
  });

  test("leaves secure_cookie to Caddy when the app decides by NODE_ENV, and writes what is fixed", () => {
    const module = (value: string) => `import { NextAuthSession } from "caddy-session-guard";\nNextAuthSession({ session: { secureCookie: ${value} } });`;
    const folder = app({ "env.ts": module('process.env.NODE_ENV === "production"'), "always.ts": module("true"), "never.ts": module("false") });
    expect(run(folder, "caddyfile", "env.ts").stdout).not.toContain("secure_cookie");
    expect(run(folder, "caddyfile", "always.ts").stdout).toContain("\tsecure_cookie always\n");
    expect(run(folder, "caddyfile", "never.ts").stdout).toContain("\tsecure_cookie never\n");
  });

  test("names the secret's variable and never writes the secret", () => {
    const folder = app({
      ".env": "AUTH_SECRET=d4kX0v7Yq2mN9sB1wZ6hT3rC8pL5jF0a\nSESSION_SECRET=a4kX0v7Yq2mN9sB1wZ6hT3rC8pL5jF0b\n",
      "named.ts": 'import { NextAuthSession } from "caddy-session-guard";\nNextAuthSession({ session: { secretKey: process.env.AUTH_SECRET } });',
      "usual.ts": 'import { NextAuthSession } from "caddy-session-guard";\nNextAuthSession({ session: { secretKey: process.env.SESSION_SECRET } });',
      "literal.ts": 'import { NextAuthSession } from "caddy-session-guard";\nNextAuthSession({ session: { secretKey: "written down, which nobody should do" } });',
    });
    expect(run(folder, "caddyfile", "named.ts").stdout).toContain("\tsecret {env.AUTH_SECRET}\n");
    expect(run(folder, "caddyfile", "usual.ts").stdout).not.toContain("secret");
    const { stdout, stderr } = run(folder, "caddyfile", "literal.ts");
    expect(stdout).toContain("\tsecret {env.SESSION_SECRET}\n");
    expect(stdout + stderr).not.toContain("written down");
  });

  test("writes flags as Caddy does", () => {
    const folder = app({ "auth.ts": "export default { session: { forwardCookie: true, autoRefresh: false } };" });
    expect(run(folder, "caddyfile", "auth.ts").stdout).toBe("session_api\nsession_guard {\n\tdefault hybrid\n\tauto_refresh off\n\tforward_cookie on\n}\n");
  });

  test("gives a named realm its settings in the global options", () => {
    const folder = app({
      "auth.ts": 'import { NextAuthSession } from "caddy-session-guard";\nNextAuthSession({ session: { realm: "admin", sessionExpiry: 5184000, clientUpdate: ["name", "image"] } });',
    });
    expect(run(folder, "caddyfile", "auth.ts").stdout).toBe(
      "{\n\tsession admin {\n\t\texpiry 60d\n\t\tmax_lifetime 60d\n\t\tclient_update name image\n\t}\n}\n\nsession_api {\n\trealm admin\n}\nsession_guard {\n\trealm admin\n\tdefault hybrid\n}\n",
    );
  });

  // What Caddy 2.11 reads each of these back as was tried with `caddy adapt`.
  test.each([
    ["name", "name"],
    ["a b", '"a b"'],
    ["a\u0085b", '"a\u0085b"'],
    ["", '""'],
    ["#x", '"#x"'],
    ["x#", "x#"],
    ["{", '"{"'],
    ["a{", "a{"],
    ['a"b', '"a\\"b"'],
    ["a`b", '"a`b"'],
    ["<<X", '"<<X"'],
    ["a<<X", "a<<X"],
    ["a\\", "`a\\`"],
    ["\\<<X", "`\\<<X`"],
    ['\\"', '`\\"`'],
    ["a\\ b", "`a\\ b`"],
    ["a\n b", '"a\n b"'],
    ["a\\\nb", "`a\\\nb`"],
  ])("writes the name %j so that it is read back", (field, written) => {
    const text = render({ config: { session: { clientUpdate: [field, "last"] } } });
    expect(text).toContain(`\tclient_update ${written} last\n`);
    const file = join(app({ Caddyfile: `:80 {\n${text}}\n` }), "Caddyfile");
    expect(findAll(parseCaddyfile(file).sites.flat(), "client_update")).toMatchObject([{ arguments: [field, "last"] }]);
  });

  test("refuses a name that cannot be written", () => {
    const folder = app({ "auth.ts": 'import { NextAuthSession } from "caddy-session-guard";\nNextAuthSession({ session: { clientUpdate: ["a\\\\`b"] } });' });
    expect(run(folder, "caddyfile", "auth.ts")).toEqual({
      stdout: "",
      stderr: '"a\\\\`b" has a backslash and a backquote, which cannot be written into a Caddyfile safely; choose another name.\n',
      status: 1,
    });
  });

  test("names every callback that it cannot translate, and exits 1", () => {
    const folder = app({
      "auth.ts": `
        import { NextAuthSession, route } from "next-auth-session";
        const auth = NextAuthSession({
          session: { onValidate: async () => true, onRefresh: async (session) => session },
          middleware: { routes: [route.auth("/a")], authorize: () => undefined },
        });
        export default auth.middleware(() => undefined);`,
    });
    const { stdout, stderr, status } = run(folder, "caddyfile", "auth.ts");
    expect(stdout).toBe("session_api\nsession_guard {\n\tauth /a\n\tdefault hybrid\n}\n");
    expect(stderr.trim().split("\n")).toEqual([
      "auth.ts: Caddy cannot run session.onValidate; put it behind a URL and write validate http://127.0.0.1:3000/… into session_guard (docs/guides.md).",
      "auth.ts: Caddy cannot run session.onRefresh; put it behind a URL and write on_refresh http://127.0.0.1:3000/… into session_guard (docs/guides.md).",
      "auth.ts: Caddy cannot run middleware.authorize; put it behind a URL and write authorize http://127.0.0.1:3000/… into session_guard (docs/guides.md).",
      "auth.ts: Caddy cannot run the handler given to middleware(); put it behind a URL and write authorize http://127.0.0.1:3000/… into session_guard (docs/guides.md).",
    ]);
    expect(status).toBe(1);
  });

  describe.each(["middleware.ts", "proxy.mjs", "src/proxy.ts"])("reads %s, too", (file) => {
    const auth = README.replace("next-auth-session", "caddy-session-guard");
    const files = (middleware: string) => ({ "src/lib/auth.ts": auth, [file]: `import { middleware } from "@/lib/auth";\n${middleware}` });

    test("for the handler that is given to middleware()", () => {
      const { stdout, stderr, status } = run(app(files("export default middleware(() => undefined);")), "caddyfile", "src/lib/auth.ts");
      expect(stderr).toBe(
        "src/lib/auth.ts: Caddy cannot run the handler given to middleware(); put it behind a URL and write authorize http://127.0.0.1:3000/… into session_guard (docs/guides.md).\n",
      );
      expect([stdout, status]).toEqual([README_BLOCK, 1]);
      const Caddyfile = `:80 {\n${README_BLOCK}}\n`;
      const drift = run(app({ ...files("export default middleware(() => undefined);"), Caddyfile }), "caddyfile", "src/lib/auth.ts", "--check", "Caddyfile");
      expect(drift.stderr).toBe("Caddyfile and src/lib/auth.ts differ: the handler given to middleware() has no authorize hook in the Caddyfile.\n");
    });

    test("which may give none", () => {
      expect(run(app(files("export default middleware();")), "caddyfile", "src/lib/auth.ts")).toEqual({ stdout: README_BLOCK, stderr: "", status: 0 });
    });

    test.each([
      ["throws", 'throw new Error("DATABASE_URL is missing");', "DATABASE_URL is missing"],
      ["ends the process", "process.exit(0);", "it ends the process with 0"],
      ["waits for a request", "export const proxy = (request) => middleware(() => undefined)(request);", "it does not call middleware() before a request comes"],
    ])("and says so if it %s", (_, code, reason) => {
      expect(run(app(files(code)), "caddyfile", "src/lib/auth.ts")).toEqual({
        stdout: README_BLOCK,
        stderr: `Not read: ${file}: ${reason} (if it gives a handler to middleware(), Caddy needs an authorize hook in its place).\n`,
        status: 0,
      });
    });
  });

  const WITH_BASE = README_BLOCK.replace("home_path /\n", "home_path /\n\tbase_path /base\n");

  test.each<[string, Record<string, string>]>([
    ["a module", { "next.config.mjs": 'export default { basePath: "/base" };' }],
    ["CommonJS", { "next.config.js": 'module.exports = { basePath: "/base" };' }],
    ["a function of the phase of a build", { "next.config.mjs": 'export default (phase) => ({ basePath: phase === "phase-production-build" ? "/base" : "/wrong" });' }],
    ["an async function", { "next.config.mjs": 'export default async (phase, { defaultConfig }) => ({ ...defaultConfig, basePath: "/base" });' }],
    ["a plugin", { "next.config.mjs": 'import plugin from "plugin";\nexport default plugin({});', "node_modules/plugin/index.js": 'module.exports = (config) => ({ ...config, basePath: "/base" });' }],
    ["TypeScript", { "next.config.ts": 'import type { NextConfig } from "next";\nconst config: NextConfig = { basePath: "/base" };\nexport default config;' }],
    [
      "TypeScript with imports",
      { "next.config.ts": 'import { base } from "@/base";\nexport default { basePath: base };', "src/base.ts": 'export const base: string = "/base";' },
    ],
    ["a variable of .env", { "next.config.mjs": "export default { basePath: process.env.BASE };", ".env.production": "BASE=/base" }],
    [
      "one that writes, changes the environment and leaves a timer open",
      { "next.config.mjs": 'console.log("x"); console.error("x"); process.env.SESSION_SECRET = "x"; setInterval(() => {}, 1000); export default { basePath: "/base" };' },
    ],
  ])("prints the base_path that next.config says: %s", (_, files) => {
    expect(run(app({ "auth.ts": README, ...files }), "caddyfile", "auth.ts")).toEqual({ stdout: WITH_BASE, stderr: "", status: 0 });
  });

  test("finds next.config beside package.json, whether the module or the command is in the app", () => {
    const config = { "next.config.mjs": 'export default { basePath: "/base" };' };
    const folder = app({ "src/lib/auth.ts": README, ...config });
    expect(run(folder, "caddyfile", "src/lib/auth.ts").stdout).toBe(WITH_BASE);
    expect(run(tmpdir(), "caddyfile", join(folder, "src/lib/auth.ts")).stdout).toBe(WITH_BASE);
    const workspace = app({ "apps/web/package.json": "{}", "apps/web/next.config.mjs": config["next.config.mjs"], "packages/auth/package.json": "{}", "packages/auth/auth.ts": README });
    expect(run(join(workspace, "apps/web"), "caddyfile", "../../packages/auth/auth.ts").stdout).toBe(WITH_BASE);
  });

  test("writes no base_path without one", () => {
    for (const text of ["export default {};", 'export default { basePath: "" };', 'export default (phase) => (phase === "phase-development-server" ? { basePath: "/dev" } : {});']) {
      expect(run(app({ "auth.ts": README, "next.config.mjs": text }), "caddyfile", "auth.ts")).toEqual({ stdout: README_BLOCK, stderr: "", status: 0 });
    }
  });

  test.each<[string, Record<string, string>, string]>([
    ["throws", { "next.config.mjs": 'throw new Error("API_URL is missing\\nat x");' }, "next.config.mjs: API_URL is missing"],
    ["throws in its function", { "next.config.mjs": 'export default () => { throw "no"; };' }, "next.config.mjs: no"],
    ["throws in TypeScript", { "next.config.ts": 'throw new Error("API_URL is missing");' }, "next.config.ts: API_URL is missing"],
    ["ends the process", { "next.config.mjs": "process.exit(0);" }, "next.config.mjs: it ends the process"],
    ["never says it", { "next.config.mjs": "export default () => new Promise(() => {});" }, "next.config.mjs: it ends the process"],
    ["has one that Next.js refuses", { "next.config.mjs": 'export default { basePath: "base" };' }, "next.config.mjs: Specified basePath has to start with a /, found \"base\""],
    ["has a name that Next.js refuses", { "next.config.cjs": 'module.exports = { basePath: "/base" };' }, "next.config.cjs: Configuring Next.js via 'next.config.cjs' is not supported. Please replace the file with 'next.config.js', 'next.config.mjs', or 'next.config.ts'"],
  ])("prints the block and says what to look after if next.config %s", (_, files, reason) => {
    expect(run(app({ "auth.ts": README, ...files }), "caddyfile", "auth.ts")).toEqual({ stdout: README_BLOCK, stderr: unread(reason), status: 0 });
  });

  test("reads no next.config without Next.js, and says so", () => {
    const folder = app({ "auth.ts": README, "next.config.mjs": 'export default { basePath: "/base" };' });
    rmSync(join(folder, "node_modules/next"));
    expect(run(folder, "caddyfile", "auth.ts")).toEqual({ stdout: README_BLOCK, stderr: unread("next.config.mjs: Cannot find module 'next/dist/server/config'"), status: 0 });
  });

  test.each<[string, Record<string, string>, string, RegExp]>([
    ["no such module", {}, "typescript", /^There is no auth\.ts; name the module that calls NextAuthSession/],
    ["no TypeScript", { "auth.ts": README }, "", /no TypeScript .*npm install --save-dev typescript/],
    ["no configuration", { "auth.ts": "export const a = 1;" }, "typescript", /neither calls NextAuthSession nor exports/],
    ["two configurations", { "auth.ts": `${README}NextAuthSession({});` }, "typescript", /configures sessions 2 times/],
    ["a module that throws", { "auth.ts": 'throw new Error("DATABASE_URL is missing");' }, "typescript", /could not be run: DATABASE_URL is missing/],
    ["a pattern that Caddy refuses", { "auth.ts": README.replace('route.hybrid("/")', 'route.hybrid("/user/[id]")') }, "typescript", /pattern "\/user\/\[id\]" has the parameter \[id\]; write "\/user\/\*"/],
    ["a wrong configuration", { "auth.ts": README.replace('cookieName: "session"', 'cookieNam: "x"') }, "typescript", /"session\.cookieNam" is unknown; write/],
    ["marks of a merge conflict", { "auth.ts": README.replace("    routes:", "<<<<<<< HEAD\n=======\n    routes:").replace("/register", "/x") }, "typescript", /could not read the configuration: auth\.ts\(6,1\): error TS1185: Merge conflict marker/],
    ["a syntax error", { "auth.ts": README.replace("route.hybrid", "route.auth(, route.hybrid") }, "typescript-5", /could not read the configuration: auth\.ts\(6,\d+\): error TS1/],
    ["a syntax error in what it imports", { "auth.ts": `import "./rules";${README}`, "rules.ts": "export const rules = [;" }, "typescript", /could not read the configuration: rules\.ts\(1,23\): error TS1/],
    ["top-level await", { "auth.ts": `await Promise.resolve();${README}` }, "typescript", /auth\.ts could not be run: await is only valid .*; top-level await and import\.meta are not read here/],
    ["import.meta", { "auth.ts": `import.meta.url;${README}` }, "typescript-5", /auth\.ts could not be run: Cannot use 'import\.meta' .*; top-level await and import\.meta are not read here/],
    ["a wrong setting in an object", { "auth.ts": 'export default { middleware: { loginPath: "/sign in" } };' }, "typescript", /^auth\.ts could not be run: NextAuthSession: middleware\.loginPath must be a path/],
  ])("says in one sentence what is wrong: %s", (_, files, typescript, message) => {
    const { stdout, stderr, status } = run(app(files, typescript), "caddyfile", "auth.ts");
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect([stdout, status]).toEqual(["", 1]);
  });

  test("shows its usage", () => {
    const folder = app({});
    expect(run(folder).status).toBe(2);
    expect(run(folder, "caddyfile").stderr).toContain("Usage: caddy-session-guard caddyfile <module> [--check <Caddyfile>]");
    expect(run(folder, "caddyfile", "--verbose", "x")).toMatchObject({ status: 2, stderr: expect.stringContaining("--verbose") });
    expect(run(folder, "--help")).toMatchObject({ status: 0, stdout: expect.stringContaining("Usage:") });
  });
});

describe("--check", () => {
  const check = (caddyfile: string, module = README) =>
    run(app({ "auth.ts": module, Caddyfile: caddyfile }), "caddyfile", "auth.ts", "--check", "Caddyfile");

  test("passes for what the command prints", () => {
    expect(check(`app.example.com {\n${README_BLOCK}\treverse_proxy localhost:3000\n}\n`)).toEqual({ stdout: "", stderr: "", status: 0 });
  });

  test("tells a field with a space from two fields", () => {
    const module = 'import { NextAuthSession } from "caddy-session-guard";\nNextAuthSession({ session: { clientUpdate: ["a b"] } });';
    const printed = run(app({ "auth.ts": module }), "caddyfile", "auth.ts").stdout;
    expect(check(`:80 {\n${printed}}\n`, module).status).toBe(0);
    expect(check(`:80 {\n${printed.replace('"a b"', "a b")}}\n`, module)).toMatchObject({ status: 1, stderr: expect.stringContaining("client_update") });
  });

  test("passes for the same meaning in other words", () => {
    const caddyfile = `
      # comment { with a brace
      { # global options
        session {
          expiry 24h
          max_lifetime 90d
        }
      }
      (rules) {
        public /login "/register" # words
        auth dashboard
      }
      {$SITE:app.example.com} {
        session_api
        route {
          session_guard {
            import rules
            hybrid /
          }
        }
      }`;
    expect(check(caddyfile)).toEqual({ stdout: "", stderr: "", status: 0 });
  });

  test.each(["24h", "1440m", "0.5d12h", "86400000ms", "86400000000us", "86400000000\u00b5s", "86400000000\u03bcs", "23h59m59s999ms999us1000ns", ".5d12h", "24.h", "1.1h1374m"])(
    "passes for a day that is written as %s",
    (duration) => {
      expect(check(`:80 {\n${README_BLOCK.replace("expiry 1d", `expiry ${duration}`)}}\n`)).toEqual({ stdout: "", stderr: "", status: 0 });
    },
  );

  test.each([
    ["auth /dashboard/*", "auth /dashbord/*", "rule 3: the configuration says auth /dashboard/*, the Caddyfile says auth /dashbord/*"],
    ["public /login /register", "public /login", "rule 2: the configuration says public /register, the Caddyfile says auth /dashboard/*"],
    ["hybrid /\n", "", "rule 4: the configuration says hybrid /, the Caddyfile says nothing"],
    ["expiry 1d", "expiry 2d", "expiry: the configuration says 1d, the Caddyfile says 2d"],
    ["expiry 1d", "", "expiry: the configuration says 1d, the Caddyfile says 7d"],
    ["cookie_name session", "cookie_name sid", "cookie_name: the configuration says session, the Caddyfile says sid"],
    ["auto_refresh on", "auto_refresh off", "auto_refresh: the configuration says on, the Caddyfile says off"],
    ["auto_refresh on", "auto_refresh on\n\tforward_cookie on", "forward_cookie: the configuration says off, the Caddyfile says on"],
    ["default hybrid", "default auth", "default: the configuration says hybrid, the Caddyfile says auth"],
    ["login_path /login", "login_path /sign-in", "login_path: the configuration says /login, the Caddyfile says /sign-in"],
    ["home_path /", "home_path /\n\tlocales en", "locales: the configuration says nothing, the Caddyfile says en"],
  ])("fails when %j becomes %j", (before, after, difference) => {
    const { stderr, status } = check(`:80 {\n${README_BLOCK.replace(before, after)}}\n`);
    expect(stderr).toBe(`Caddyfile and auth.ts differ: ${difference}.\n`);
    expect(status).toBe(1);
  });

  test.each<[string, Record<string, string>, number]>([
    ["unset, whatever the app's .env says: the default", {}, 1],
    ["set: its value, whatever the app's .env says", { SESSION_TTL: "1d" }, 0],
    ["set to another value", { SESSION_TTL: "2d" }, 1],
    ["set, but empty: nothing, and not the default", { SESSION_TTL: "" }, 1],
  ])("replaces a variable as Caddy does: %s", (_, environment, status) => {
    const files = { "auth.ts": README, ".env": "SESSION_TTL=1d", Caddyfile: `:80 {\n${README_BLOCK.replace("expiry 1d", "expiry {$SESSION_TTL:7d}")}}\n` };
    const result = runWith(environment, app(files), "caddyfile", "auth.ts", "--check", "Caddyfile");
    const said = "SESSION_TTL" in environment ? environment.SESSION_TTL || "nothing" : "7d";
    expect(result.stderr).toBe(status === 0 ? "" : `Caddyfile and auth.ts differ: expiry: the configuration says 1d, the Caddyfile says ${said}.\n`);
    expect(result.status).toBe(status);
  });

  test("replaces a variable that is empty in a rule by nothing", () => {
    const folder = app({ "auth.ts": README, Caddyfile: `:80 {\n${README_BLOCK.replace("auth /dashboard/*", "auth {$GUARDED:/dashboard/*}")}}\n` });
    const result = runWith({ GUARDED: "" }, folder, "caddyfile", "auth.ts", "--check", "Caddyfile");
    expect(result).toMatchObject({ status: 1, stderr: expect.stringContaining("rule 3: the configuration says auth /dashboard/*, the Caddyfile says hybrid /") });
  });

  test.each<[string, string, string[]]>([
    ["no session_api", README_BLOCK.replace("session_api", ""), ["session_api: the Caddyfile has none of realm default beside the session_guard in line 3 (on purpose? --ignore session_api)"]],
    ["session_api of another realm", README_BLOCK.replace("session_api", "session_api {\nrealm admin\n}"), ["session_api: the Caddyfile has none of realm default beside the session_guard in line 5 (on purpose? --ignore session_api)"]],
    ["session_api at another path", README_BLOCK.replace("session_api", "session_api {\npath /api/me\n}"), ["session_api: the hooks ask /api/session, the Caddyfile says path /api/me (on purpose? --ignore session_api)"]],
    ["session_api with a matcher", README_BLOCK.replace("session_api", "session_api /api/*"), ["session_api: it takes no matcher, the Caddyfile says session_api /api/*"]],
    ["session_guard with a matcher", README_BLOCK.replace("session_guard", "session_guard /dashboard/*"), ["session_guard: it takes no matcher, the Caddyfile says session_guard /dashboard/*"]],
  ])("fails for %s", (_, site, differences) => {
    const { stderr, status } = check(`:80 {\n${site}}\n`);
    expect(stderr.trim().split("\n")).toEqual(differences.map((difference) => `Caddyfile and auth.ts differ: ${difference}.`));
    expect(status).toBe(1);
  });

  const withCondition = README_BLOCK.replace("auth /dashboard/*", "auth /dashboard/* {\nrequire user.role admin\n}");
  test.each([
    ["a rule that asks for more", withCondition, []],
    ["a session_api that is elsewhere on purpose", README_BLOCK.replace("session_api", ""), ["--ignore", "session_api"]],
    ["a base_path that only Caddy has on purpose", README_BLOCK.replace("default", "base_path /app\ndefault"), ["--ignore", "base_path"]],
  ])("passes for %s", (_, site, ignore) => {
    const folder = app({ "auth.ts": README, Caddyfile: `:80 {\n${site}}\n` });
    expect(run(folder, "caddyfile", "auth.ts", "--check", "Caddyfile", ...ignore)).toEqual({ stdout: "", stderr: "", status: 0 });
  });

  test("ignores nothing else", () => {
    const folder = app({ "auth.ts": README, Caddyfile: `:80 {\n${README_BLOCK}}\n` });
    expect(run(folder, "caddyfile", "auth.ts", "--check", "Caddyfile", "--ignore", "expiry")).toMatchObject({ status: 2, stderr: expect.stringContaining("Usage:") });
    expect(run(folder, "caddyfile", "auth.ts", "--ignore", "session_api").status).toBe(2);
  });

  describe("compares the basePath of next.config", () => {
    const next = { "auth.ts": README, "next.config.mjs": 'export default { basePath: "/base" };' };
    const checkAgainst = (files: Record<string, string>, line: string, ...parameters: string[]) =>
      run(app({ ...files, Caddyfile: `:80 {\n${README_BLOCK.replace("default", `${line}\ndefault`)}}\n` }), "caddyfile", "auth.ts", "--check", "Caddyfile", ...parameters);
    const drift = (mine: string, other: string) =>
      `Caddyfile and auth.ts differ: base_path: next.config says ${mine}, the Caddyfile says ${other} (on purpose? --ignore base_path).\n`;

    test.each([
      ["", drift("/base", "nothing")],
      ["base_path /other", drift("/base", "/other")],
      ["base_path /Base", drift("/base", "/Base")],
      ["base_path /base", ""],
      ["base_path /base/", ""],
      ["next_build .next", ""], // Caddy reads it there
      ["next_build .next\nbase_path /other", drift("/base", "/other")],
    ])("with %j", (line, stderr) => {
      expect(checkAgainst(next, line)).toEqual({ stdout: "", stderr, status: stderr ? 1 : 0 });
      expect(checkAgainst(next, line, "--ignore", "base_path").status).toBe(0);
    });

    test("which may be none", () => {
      const none = { "auth.ts": README, "next.config.mjs": "export default {};" };
      for (const files of [none, { "auth.ts": README }]) {
        expect(checkAgainst(files, "base_path /base").stderr).toBe(drift("nothing", "/base"));
        expect(checkAgainst(files, "base_path /").stderr).toBe("");
      }
    });

    test("for every guard", () => {
      const withBase = README_BLOCK.replace("default", "base_path /base\ndefault");
      const folder = app({ ...next, Caddyfile: `a.example.com {\n${withBase}}\nb.example.com {\n${README_BLOCK}}\n` });
      const { stderr, status } = run(folder, "caddyfile", "auth.ts", "--check", "Caddyfile");
      expect([stderr, status]).toEqual([drift("/base", "nothing").replace("differ: ", "differ: session_guard in line 18, "), 1]);
    });

    test("below which session_api may be", () => {
      const below = README_BLOCK.replace("session_api", "session_api {\npath /base/api/session\n}").replace("default", "base_path /base\ndefault");
      const folder = app({ ...next, Caddyfile: `:80 {\n${below}}\n` });
      expect(run(folder, "caddyfile", "auth.ts", "--check", "Caddyfile")).toEqual({ stdout: "", stderr: "", status: 0 });
    });

    test("but does not fail because it cannot be read", () => {
      const broken = { "auth.ts": README, "next.config.mjs": 'throw new Error("API_URL is missing");' };
      for (const line of ["", "base_path /base"]) {
        expect(checkAgainst(broken, line)).toEqual({ stdout: "", stderr: unread("next.config.mjs: API_URL is missing"), status: 0 });
      }
    });
  });

  describe("of several sites", () => {
    const rulesOnly = README_BLOCK.replace("\tcookie_name session\n\texpiry 1d\n\tauto_refresh on\n", "");
    const site = (name: string, block: string) => `${name} {\n${block}}\n`;

    test("passes when every guard agrees, wherever the realm's settings stand", () => {
      expect(check(site("a.example.com", README_BLOCK) + site("b.example.com", rulesOnly))).toEqual({ stdout: "", stderr: "", status: 0 });
    });

    test("fails when one of them has other rules, and names it", () => {
      const { stderr, status } = check(site("a.example.com", README_BLOCK) + site("b.example.com", rulesOnly.replace("auth /dashboard/*", "hybrid /dashboard/*")));
      expect(stderr).toBe(
        "Caddyfile and auth.ts differ: session_guard in line 17, rule 3: the configuration says auth /dashboard/*, the Caddyfile says hybrid /dashboard/*.\n",
      );
      expect(status).toBe(1);
    });

    test("fails when one of them has no session_api", () => {
      const { stderr } = check(site("a.example.com", README_BLOCK) + site("b.example.com", rulesOnly.replace("session_api", "")));
      expect(stderr).toBe("Caddyfile and auth.ts differ: session_api: the Caddyfile has none of realm default beside the session_guard in line 17 (on purpose? --ignore session_api).\n");
    });

    test("leaves guards of another realm alone", () => {
      expect(check(site("a.example.com", README_BLOCK) + site("b.example.com", "session_guard {\nrealm admin\nauth /*\n}\n")).status).toBe(0);
    });
  });

  test.each([
    ["a site without braces", `app.example.com\n${README_BLOCK}reverse_proxy localhost:3000\n`],
    ["a site of two addresses on two lines", `a.example.com,\nb.example.com {\n${README_BLOCK}}\n`],
    ["a site whose address is a variable that is not set here", `{$SITE_THAT_IS_NOT_SET} {\n${README_BLOCK}}\n`],
    ["a site in a snippet", `(app) {\n${README_BLOCK}}\na.example.com {\nimport app\n}\nb.example.com {\nimport app\n}\n`],
    ["a named route that invokes itself", `&(app) {\n@old path /old/*\nhandle @old {\nuri strip_prefix /old\ninvoke app\n}\n${README_BLOCK}}\na.example.com {\ninvoke app\n}\n`],
    ["a named route", `&(app) {\n${README_BLOCK}}\na.example.com {\ninvoke app\n}\n`],
    ["a snippet with arguments", `(app) {\n${README_BLOCK.replace("public /login", "public {args[0]}").replace("/register", "{args[1:]}")}}\n:80 {\nimport app /login /register\n}\n`],
    ["a snippet with a block", `(app) {\nsession_api\nsession_guard {\n{block}\n}\n{blocks.more}\n}\n:80 {\nimport app {\n${INSIDE}more {\nrespond x\n}\n}\n}\n`],
    ["heredocs", `:80 {\n${README_BLOCK}respond <<JS\n  on(() => {\n  })\n  } {\n  JS 200\nheader X <<"A"\nrespond /x <<END\n{\nEND\n}\n`],
    ["a snippet that nobody imports", `(old) {\nsession_guard\n}\n:80 {\n${README_BLOCK}}\n`],
  ])("reads %s", (_, caddyfile) => {
    expect(check(caddyfile)).toEqual({ stdout: "", stderr: "", status: 0 });
  });

  test("reads what another file adds, which may open what the rules close", () => {
    const files = { "auth.ts": README, "rules/open.caddy": "hybrid /dashboard/*\n", "rules/.hidden.caddy": "public /\n", "sites.caddy": ":81 {\nsession_api\nsession_guard\n}\n" };
    const result = (caddyfile: string) => run(app({ ...files, Caddyfile: caddyfile }), "caddyfile", "auth.ts", "--check", "Caddyfile");
    for (const pattern of ["rules/open.caddy", "rules/*.caddy", "r?les/open.*"]) {
      const { stderr, status } = result(`:80 {\n${README_BLOCK.replace("session_guard {", `session_guard {\nimport ${pattern}`)}}\n`);
      expect(stderr).toContain("rule 1: the configuration says public /login, the Caddyfile says hybrid /dashboard/*");
      expect(status).toBe(1);
    }
    expect(result(`:80 {\n${README_BLOCK}}\nimport sites.caddy\n`)).toMatchObject({ status: 1, stderr: expect.stringContaining("session_guard in line 3") });
    expect(result(`(guard) {\nsession_api\nsession_guard {\n{block}\n${INSIDE}}\n}\n:80 {\nimport guard {\nhybrid /dashboard/*\n}\n}\n`).status).toBe(1);
    expect(result(`:80 {\n${README_BLOCK}import gone.caddy\n}\n`).stderr).toMatch(/gone\.caddy cannot be read: ENOENT\.\n$/);
    expect(result(`:80 {\n${README_BLOCK}}\nimport none/*.caddy\n`)).toEqual({ stdout: "", stderr: "", status: 0 });
    expect(result(`(app) {\n${README_BLOCK.replace("public /login", "public {args[0]}")}}\n:80 {\nimport app\n}\n`).stderr).toContain("does not pass {args[0]} to the snippet app");
  });

  test("reads snippets of another file as Caddy does", () => {
    const guard = (rules: string) => `session_api\nsession_guard {\n${rules}${INSIDE}}\n`;
    const files = {
      "auth.ts": README,
      "with-block.caddy": `(guard) {\n${guard("{block}\n")}}\n`,
      "with-arguments.caddy": `(guard) {\n${guard("").replace("public /login", "public {args[0]}")}}\n`,
      "folder/guard.caddy": `(guard) {\nsession_api\nsession_guard {\nimport rules/inside\n}\n}\n`,
      "folder/rules/inside": INSIDE,
      "rules/.open": "hybrid /dashboard/*\n",
    };
    const result = (caddyfile: string) => run(app({ ...files, Caddyfile: caddyfile }), "caddyfile", "auth.ts", "--check", "Caddyfile");
    const agrees = { stdout: "", stderr: "", status: 0 };
    expect(result("import with-arguments.caddy\n:80 {\nimport guard /login\n}\n")).toEqual(agrees);
    expect(result("import folder/guard.caddy\n:80 {\nimport guard\n}\n")).toEqual(agrees);
    expect(result("import with-block.caddy\n:80 {\nimport guard\n}\n")).toEqual(agrees);
    for (const opens of [
      "import with-block.caddy\n:80 {\nimport guard {\nhybrid /dashboard/*\n}\n}\n",
      `(guard) {\n${guard("{blocks.first}\n")}}\n:80 {\nimport guard {\nfirst hybrid /dashboard/*\n}\n}\n`,
      `(guard) {\n${guard("{blocks.first}\n")}}\n:80 {\nimport guard {\nfirst public /login\nfirst hybrid /dashboard/*\n}\n}\n`,
      `:80 {\n${guard("import rules/.o*\n")}}\n`,
    ]) {
      expect(result(opens).stderr).toContain("rule 1: the configuration says public /login, the Caddyfile says hybrid /dashboard/*");
    }
    expect(result(":80 {\nrespond x\n}\n").stderr).toBe("The Caddyfile and its imports have no session_guard of realm default; give the Caddyfile that has it.\n");
  });

  test("a folder is no Caddyfile", () => {
    expect(run(app({ "auth.ts": README, "lib/x": "" }), "caddyfile", "auth.ts", "--check", "lib")).toEqual({ stdout: "", stderr: "lib cannot be read: EISDIR.\n", status: 1 });
  });

  test("wants a hook for each callback", () => {
    const module = README.replace('cookieName: "session"', "onValidate: async () => true");
    expect(check(`:80 {\n${README_BLOCK}}\n`, module)).toMatchObject({ status: 1, stderr: expect.stringContaining("session.onValidate has no validate hook") });
    expect(check(`:80 {\n${README_BLOCK.replace("expiry", "validate http://localhost:3000/validate\n\texpiry")}}\n`, module).status).toBe(0);
  });

  test.each([
    [":80 {\n\treverse_proxy localhost:3000\n}\n", "no session_guard"],
    [":80 {\n", "ends inside a block"],
    ["}\n", "Line 1 of Caddyfile closes a block"],
    ["(a) {\n\timport a\n}\nimport a\n", "imports itself"],
  ])("says what is wrong with the Caddyfile %j", (caddyfile, message) => {
    expect(check(caddyfile)).toMatchObject({ status: 1, stderr: expect.stringContaining(message) });
  });

  test("says that there is no Caddyfile", () => {
    expect(run(app({ "auth.ts": README }), "caddyfile", "auth.ts", "--check", "Caddyfile")).toMatchObject({ status: 1, stderr: "There is no Caddyfile.\n" });
  });
});
