import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join, parse, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { NextAuthSessionConfig } from "../config.js";
import { NextAuthSession } from "../factory.js";
import * as library from "../index.js";
import { findBasePath } from "./base-path.js";
import { findUp, packageFolder } from "./find.js";

/** What a module configures. */
export interface Configuration {
  config: NextAuthSessionConfig;
  /** Whether `middleware()` is given a handler of the app's own. */
  customHandler: boolean;
  /** The basePath of Next.js, "" without one; undefined if it could not be read. */
  basePath?: string;
  /** Files that could not be run, each with the reason and with what to look after. */
  unread: string[];
}

/** A mistake of the caller, told in one sentence. */
export class CommandError extends Error {}

const LIBRARIES = ["caddy-session-guard", "next-auth-session"];

/** Packages that only exist to fail in the wrong bundle, and hooks that no configuration needs. */
const EMPTY = ["server-only", "client-only", ...LIBRARIES.map((name) => `${name}/client`)];

/**
 * Runs the module that calls NextAuthSession, or exports a configuration object, and returns the configuration. The app's own TypeScript compiles it and
 * says where its imports lead, so path aliases work as in the app.
 */
export function loadConfiguration(file: string): Configuration {
  const entry = resolve(file);
  if (!existsSync(entry)) throw new CommandError(`There is no ${file}; name the module that calls NextAuthSession, such as lib/auth.ts.`);
  loadEnvironment(entry);
  const folder = mkdtempSync(join(realpathSync(tmpdir()), "caddy-session-guard-"));
  try {
    const compiled = compile(realpathSync(entry), folder);
    const production = withBasePath(evaluate(compiled, "production", file), entry);
    if (production.config.session?.secureCookie !== true) return production;
    // `secureCookie: process.env.NODE_ENV === "production"` is what Caddy does without being told.
    const development = evaluate(compiled, "development", file);
    if (development.config.session?.secureCookie === true) return production;
    return { ...production, config: { ...production.config, session: { ...production.config.session, secureCookie: undefined } } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function withBasePath(configuration: Configuration, entry: string): Configuration {
  const found = findBasePath(entry);
  if ("basePath" in found) return { ...configuration, ...found };
  const advice = "if it sets a basePath, write it into session_guard, as in base_path /base: without it, the rules miss its pages";
  return { ...configuration, unread: [...configuration.unread, `${found.unread} (${advice})`] };
}

interface Compiled {
  entry: string;
  middleware: string[];
  folder: string;
  /** Where an import leads: importing file and specifier, to source file. */
  imports: Map<string, string>;
}

/** The app's `middleware.ts` or `proxy.ts`, where Next.js looks for it: a handler may be given to `middleware()` there. */
function findMiddleware(entry: string): string[] {
  const root = packageFolder(entry);
  const folders = [root, join(root, "src")].filter((folder) => existsSync(folder));
  const files = folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  return files.filter((file) => /^(middleware|proxy)\.[cm]?[jt]sx?$/.test(basename(file)) && file !== entry);
}

/** Compiles the module, the app's middleware and what they import to CommonJS, in `folder`, which mirrors the file system. */
function compile(entry: string, folder: string): Compiled {
  const { root } = parse(entry);
  const middleware = findMiddleware(entry);
  const base = findUp(dirname(entry), ["tsconfig.json", "jsconfig.json"]);
  const project = {
    ...(base ? { extends: base } : undefined),
    compilerOptions: {
      ...{ module: "commonjs", moduleResolution: "bundler", target: "es2022", jsx: "react-jsx", esModuleInterop: true, resolveJsonModule: true },
      ...{ rootDir: root, outDir: folder, noEmit: false, noEmitOnError: false, allowJs: true, checkJs: false, skipLibCheck: true, types: [] },
      ...{ incremental: false, composite: false, declaration: false, emitDeclarationOnly: false, sourceMap: false, inlineSourceMap: false },
      ...{ allowImportingTsExtensions: false, verbatimModuleSyntax: false, isolatedModules: true, plugins: [] },
      noCheck: true, // types are the app's own business
    },
    include: [],
    references: [],
  };
  const config = join(folder, "tsconfig.json");
  const files = new Set([entry, ...middleware]);
  let imports = new Map<string, string>();
  // Nothing is written for what is imported through node_modules, as the TypeScript packages of a workspace are, unless it is named.
  for (let named = 0; named < files.size; ) {
    named = files.size;
    writeFileSync(config, JSON.stringify({ ...project, files: [...files] }));
    const output = runCompiler(entry, ["-p", config, "--traceResolution", "--pretty", "false"]);
    refuseSyntaxErrors(output);
    imports = readTrace(output);
    for (const source of imports.values()) {
      if (isOwn(source) && /(?<!\.d)\.[cm]?tsx?$/.test(source) && !existsSync(outputOf(source, folder))) files.add(source);
    }
  }
  convertModules(entry, folder);
  return { entry, middleware, folder, imports };
}

/** Whether a source file is the app's or of its workspace, where packages are linked into node_modules. */
const isOwn = (source: string) => !source.includes("/node_modules/");

/** Where the compiler writes what it makes of a source file. */
function outputOf(source: string, folder: string): string {
  return join(folder, relative(parse(source).root, source)).replace(/\.[cm]?[jt]sx?$/, (extension) => extension.replace(/[jt]sx?$/, "js"));
}

/** The compiler writes something for a module that it could not read, too, such as one with the marks of a merge conflict: rules would be lost. */
function refuseSyntaxErrors(output: string) {
  const [line] = /^(?!.*node_modules).*\(\d+,\d+\): error TS1\d+: .*$/m.exec(output) ?? [];
  if (line) throw new CommandError(`The app's TypeScript could not read the configuration: ${line}`);
}

/** Compiles what came out of .mjs and .mts again, since the compiler leaves the modules of such files as they are. */
function convertModules(entry: string, folder: string) {
  const modules = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((path) => path.endsWith(".mjs"));
  if (modules.length === 0) return;
  const from = mkdtempSync(join(folder, "modules-"));
  const to = join(from, "converted");
  for (const [index, path] of modules.entries()) copyFileSync(join(folder, path), join(from, `${index}.js`));
  const compilerOptions = { module: "commonjs", target: "es2022", esModuleInterop: true, allowJs: true, noResolve: true, noCheck: true, types: [], rootDir: from, outDir: to };
  const config = join(from, "tsconfig.json");
  writeFileSync(config, JSON.stringify({ compilerOptions }));
  runCompiler(entry, ["-p", config]);
  for (const [index, path] of modules.entries()) renameSync(join(to, `${index}.js`), join(folder, path));
}

/** What the compiler prints. It exits with an error for what does not matter here, too, so its exit code is not asked for. */
function runCompiler(entry: string, parameters: string[]): string {
  let compiler: string;
  try {
    compiler = join(dirname(createRequire(entry).resolve("typescript/package.json")), "lib", "tsc.js"); // bin/tsc of TypeScript 7 needs Node.js 20.10
  } catch {
    throw new CommandError("The app has no TypeScript to read its configuration with; run `npm install --save-dev typescript` in it.");
  }
  try {
    return execFileSync(process.execPath, [compiler, ...parameters], { encoding: "utf8", maxBuffer: 2 ** 30, stdio: ["ignore", "pipe", "ignore"] });
  } catch (reason) {
    return String((reason as { stdout?: string }).stdout ?? "");
  }
}

function readTrace(output: string): Map<string, string> {
  const imports = new Map<string, string>();
  let asking = "";
  for (const line of output.split(/\r?\n/)) {
    const question = /^=+ Resolving module '(.*)' from '(.*)'\. =+$/.exec(line);
    if (question) asking = importKey(question[2] as string, question[1] as string);
    const answer = /^=+ Module name '.*' was successfully resolved to '(.*?)'(?: with Package ID '.*')?\. =+$/.exec(line);
    if (answer) imports.set(asking, answer[1] as string);
  }
  return imports;
}

const importKey = (from: string, specifier: string) => `${resolve(from)}\n${specifier}`;

/** Runs the compiled module with recorders in place of the session libraries. */
function evaluate({ entry, middleware, folder, imports }: Compiled, mode: string, file: string): Configuration {
  Object.assign(process.env, { NODE_ENV: mode });
  const recorded: Recorded[] = [];
  const recorder = { ...library, NextAuthSession: (config: NextAuthSessionConfig = {}) => record(config, recorded) };
  const modules = new Map<string, { exports: Record<string, unknown> }>();

  function load(source: string): unknown {
    const known = modules.get(source);
    if (known) return known.exports;
    const output = outputOf(source, folder);
    if (source.endsWith(".d.ts") || !existsSync(output)) return undefined;
    const code = readFileSync(output, "utf8");
    if (output.endsWith(".json")) return JSON.parse(code);
    const module = { exports: {} };
    modules.set(source, module);
    compileFunction(code, source)(module.exports, (specifier: string) => require(specifier, source), module, source, dirname(source));
    return module.exports;
  }

  const askers = new Set<string>(); // the files that import the configuration

  function require(specifier: string, from: string): unknown {
    if (LIBRARIES.includes(specifier) || imports.get(importKey(from, specifier)) === entry) askers.add(from);
    if (LIBRARIES.includes(specifier)) return recorder;
    if (EMPTY.includes(specifier)) return {};
    const source = imports.get(importKey(from, specifier));
    const loaded = source && isOwn(source) ? load(source) : undefined;
    return loaded ?? requirePackage(specifier, from);
  }

  const { exit } = process;
  process.exit = (code) => {
    throw new Error(`it ends the process with ${code ?? 0}`);
  };
  try {
    const exported = load(entry);
    if (exported === undefined) throw new CommandError(`${file} could not be compiled; check it with the app's TypeScript.`);
    const config = choose(recorded, exported as Record<string, unknown>, file);
    const advice = "if it gives a handler to middleware(), Caddy needs an authorize hook in its place";
    const unread = middleware.flatMap((path) => {
      try {
        load(path);
      } catch (reason) {
        return [`${relative("", path)}: ${explain(reason)} (${advice})`];
      }
      const called = recorded.some((other) => other.called);
      return called || !askers.has(path) ? [] : [`${relative("", path)}: it does not call middleware() before a request comes (${advice})`];
    });
    return { config, customHandler: recorded.some((other) => other.customHandler), unread };
  } catch (reason) {
    if (reason instanceof CommandError) throw reason;
    throw new CommandError(`${file} could not be run: ${explain(reason)}`);
  } finally {
    process.exit = exit;
  }
}

const explain = (reason: unknown) => (reason instanceof Error ? reason.message : String(reason));

/** The body of a CommonJS module as a function. */
function compileFunction(code: string, source: string) {
  try {
    return new Function("exports", "require", "module", "__filename", "__dirname", code);
  } catch (reason) {
    const unread = "top-level await and import.meta are not read here, so keep the configuration in a module without them";
    throw new CommandError(`${source} could not be run: ${(reason as Error).message}; ${unread}.`);
  }
}

/** A package of the app, also one that is only meant to be imported. */
function requirePackage(specifier: string, from: string): unknown {
  const require = createRequire(from);
  try {
    return require(specifier);
  } catch (reason) {
    if ((reason as { code?: string }).code !== "ERR_PACKAGE_PATH_NOT_EXPORTED") throw reason;
  }
  // Only a module can ask for what another one imports, and only from where it stands itself.
  const script = `process.stdout.write(import.meta.resolve(${JSON.stringify(specifier)}))`;
  const parameters = ["--input-type=module", "--eval", script];
  return require(fileURLToPath(execFileSync(process.execPath, parameters, { cwd: dirname(from), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })));
}

type Recorded = Pick<Configuration, "config" | "customHandler"> & { called: boolean };

function record(config: NextAuthSessionConfig, recorded: Recorded[]) {
  const bound = NextAuthSession(config);
  const configuration: Recorded = { config, customHandler: false, called: false };
  recorded.push(configuration);
  const middleware: typeof bound.middleware = (handler) => {
    configuration.called = true;
    configuration.customHandler ||= handler !== undefined;
    return bound.middleware(handler);
  };
  return { ...bound, middleware };
}

/** The configuration that was recorded, or else the one that is exported. */
function choose(recorded: Recorded[], exported: Record<string, unknown>, file: string): NextAuthSessionConfig {
  const objects = recorded.length > 0 ? [] : Object.values(exported).filter(isConfiguration);
  const found = recorded.length > 0 ? recorded.map(({ config }) => config) : [...new Set(objects)].filter((config) => record(config, []));
  if (found.length === 1) return found[0] as NextAuthSessionConfig;
  if (found.length === 0) throw new CommandError(`${file} neither calls NextAuthSession nor exports its configuration object.`);
  throw new CommandError(`${file} configures sessions ${found.length} times; name a module that does it once.`);
}

function isConfiguration(value: unknown): value is NextAuthSessionConfig {
  const { session, middleware } = (typeof value === "object" && value !== null ? value : {}) as Record<string, unknown>;
  return typeof session === "object" || typeof middleware === "object";
}

/** Sets the variables of the app's .env files, as Next.js does. */
function loadEnvironment(entry: string) {
  try {
    const next = createRequire(createRequire(entry).resolve("next/package.json"));
    const { loadEnvConfig } = next("@next/env") as { loadEnvConfig(dir: string, dev: boolean, log: object): void };
    loadEnvConfig(packageFolder(entry), false, { info: () => {}, error: console.error });
  } catch {
    // No Next.js here, so no .env files of its kind.
  }
}
