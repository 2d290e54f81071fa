import { importedFiles, readCaddyfile, SHARED, withArguments } from "./import.js";
import { CommandError } from "./load.js";
import type { Directive } from "./directives.js";

interface Token {
  text: string;
  line: number;
  /** The line in which it ends. */
  end: number;
  quoted: boolean;
}

/** A Caddyfile: its global options, and the directives of each of its sites. */
export interface Caddyfile {
  options: Directive[];
  sites: Directive[][];
}

/**
 * Reads a Caddyfile as far as its blocks: `{$VAR}` is replaced as Caddy does, snippets, named routes and other files are put where they are
 * invoked and imported.
 */
export function parseCaddyfile(file: string): Caddyfile {
  const lines = readLines(file);
  const shared = new Map(lines.filter(({ name }) => SHARED.test(name)).map(({ name, block }) => [name, block ?? []]));
  const expanded = expand(lines, shared, file);
  // A block without an address is that of the options, unless the address is a variable that is not set here.
  const isOptions = ({ name, block }: Directive) => name === "" && findAll(block ?? [], "session_guard").length === 0;
  const own = expanded.filter((line) => !isOptions(line));
  // A Caddyfile of one site may leave its braces out. A comma says that more addresses follow.
  const [first] = own;
  const bare = first && !first.block && ![first.name, ...first.arguments].at(-1)?.endsWith(",");
  return { options: expanded.filter(isOptions).flatMap(({ block = [] }) => block), sites: bare ? [own] : own.map(({ block = [] }) => block) };
}

/** Every line of that name, in blocks too. */
export function findAll(lines: Directive[], name: string): Directive[] {
  return lines.flatMap((line) => [...(line.name === name ? [line] : []), ...findAll(line.block ?? [], name)]);
}

function readLines(file: string): Directive[] {
  return parseLines(tokenize(substitute(readCaddyfile(file))), file);
}

/** Replaces `{$NAME}` and `{$NAME:default}` as Caddy does: the default stands for a variable that is not set, not for an empty one. */
function substitute(text: string) {
  return text.replace(/\{\$([^}]+)\}/g, (_, span: string) => {
    const [name = "", ...fallback] = span.split(":");
    return Object.hasOwn(process.env, name) ? (process.env[name] as string) : fallback.join(":");
  });
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (const match of text.matchAll(/<<([\w-]+)\r?\n(?:[\s\S]*?\n)??[ \t]*\1(?=\s|$)|"((?:[^"\\]|\\[^])*)"|`([^`]*)`|(?<!\S)#[^\n]*|\\\r?\n|\n|[^\s"`][^\s]*/g)) {
    const [source, heredoc, quoted, raw] = match;
    const end = line + source.split("\n").length - 1;
    const literal = heredoc === undefined ? (raw ?? quoted?.replace(/\\"/g, '"')) : source;
    if (literal !== undefined) tokens.push({ text: literal, line, end, quoted: true });
    else if (!/^(#|\\?\r?\n)/.test(source)) tokens.push({ text: source, line, end, quoted: false });
    if (!source.startsWith("\\")) line = end;
  }
  return tokens;
}

/** Groups tokens into lines and blocks. */
function parseLines(tokens: Token[], file: string): Directive[] {
  const root: Directive[] = [];
  const open = [root];
  let line: Directive | undefined;
  let reached = 0; // the line in which the last token ended
  for (const { text, line: number, end, quoted } of tokens) {
    const current = open.at(-1) as Directive[];
    if (text === "{" && !quoted) {
      const block: Directive[] = [];
      if (line && reached === number) line.block = block;
      else current.push({ name: "", arguments: [], block });
      open.push(block);
      line = undefined;
    } else if (text === "}" && !quoted) {
      if (open.length === 1) throw new CommandError(`Line ${number} of ${file} closes a block that was never opened.`);
      open.pop();
      line = undefined;
    } else if (line && reached === number) {
      line.arguments.push(text);
    } else {
      line = { name: text, arguments: [], line: number, file };
      current.push(line);
    }
    reached = end;
  }
  if (open.length > 1) throw new CommandError(`${file} ends inside a block.`);
  return root;
}

/** Puts what is imported and invoked in its place. `shared` takes the snippets and named routes of other files, too. */
function expand(lines: Directive[], shared: Map<string, Directive[]>, file: string, depth = 0): Directive[] {
  if (depth > 50) throw new CommandError(`A snippet of ${file} imports itself.`);
  return lines.flatMap((line): Directive[] => {
    const [name = ""] = line.arguments;
    if (SHARED.test(line.name)) {
      shared.set(line.name, line.block ?? []);
      return [];
    }
    if (line.name === "invoke") {
      const route = shared.get(`&(${name})`);
      if (!route) return [line];
      // A named route may invoke itself, after a rewrite: what is in it stands here already.
      const others = new Map(shared).set(`&(${name})`, []);
      return expand(withArguments(route, line), others, file, depth + 1);
    }
    const found = line.name === "import" ? shared.get(`(${name})`) : undefined;
    if (found) return expand(withArguments(found, line), shared, file, depth + 1);
    if (line.name === "import") {
      return importedFiles(name, line.file ?? file, line.line).flatMap((other) => expand(withArguments(readLines(other), line), shared, other, depth + 1));
    }
    return [line.block ? { ...line, block: expand(line.block, shared, file, depth + 1) } : line];
  });
}
