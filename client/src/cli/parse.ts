import { CommandError } from "./load.js";
import type { Directive } from "./directives.js";

interface Token {
  text: string;
  line: number;
  quoted: boolean;
}

/** A Caddyfile: its global options, and the directives of each of its sites. */
export interface Caddyfile {
  options: Directive[];
  sites: Directive[][];
}

/**
 * Reads a Caddyfile as far as its blocks: `{$VAR}` is replaced as Caddy does, snippets and named routes are put where they are imported and
 * invoked.
 */
export function parseCaddyfile(text: string): Caddyfile {
  const lines = parseLines(tokenize(substitute(text)));
  const shared = new Map(lines.filter(({ name }) => SHARED.test(name)).map(({ name, block }) => [name, block ?? []]));
  const expanded = expand(lines, shared).filter(({ name }) => !SHARED.test(name));
  // A block without an address is that of the options, unless the address is a variable that is not set here.
  const isOptions = ({ name, block }: Directive) => name === "" && findAll(block ?? [], "session_guard").length === 0;
  const own = expanded.filter((line) => !isOptions(line));
  // A Caddyfile of one site may leave its braces out. A comma says that more addresses follow.
  const [first] = own.filter(({ name }) => name !== "import");
  const bare = first && !first.block && ![first.name, ...first.arguments].at(-1)?.endsWith(",");
  return { options: expanded.filter(isOptions).flatMap(({ block = [] }) => block), sites: bare ? [own] : own.map(({ block = [] }) => block) };
}

/** Every line of that name, in blocks too. */
export function findAll(lines: Directive[], name: string): Directive[] {
  return lines.flatMap((line) => [...(line.name === name ? [line] : []), ...findAll(line.block ?? [], name)]);
}

/** A snippet, or a named route. */
const SHARED = /^&?\(.*\)$/;

function substitute(text: string) {
  return text.replace(/\{\$([^}:]+)(?::([^}]*))?\}/g, (_, name: string, fallback = "") => process.env[name] || fallback);
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (const match of text.matchAll(/"((?:[^"\\]|\\.)*)"|`([^`]*)`|(?<!\S)#[^\n]*|\\\r?\n|\n|[^\s"`][^\s]*/g)) {
    const [source, quoted, raw] = match;
    if (quoted !== undefined || raw !== undefined) tokens.push({ text: raw ?? (quoted as string).replace(/\\"/g, '"'), line, quoted: true });
    else if (!/^(#|\\?\r?\n)/.test(source)) tokens.push({ text: source, line, quoted: false });
    if (!source.startsWith("\\")) line += source.split("\n").length - 1;
  }
  return tokens;
}

/** Groups tokens into lines and blocks. */
function parseLines(tokens: Token[]): Directive[] {
  const root: Directive[] = [];
  const open = [root];
  let line: Directive | undefined;
  for (const { text, line: number, quoted } of tokens) {
    const current = open.at(-1) as Directive[];
    if (text === "{" && !quoted) {
      const block: Directive[] = [];
      if (line?.line === number) line.block = block;
      else current.push({ name: "", arguments: [], block });
      open.push(block);
      line = undefined;
    } else if (text === "}" && !quoted) {
      if (open.length === 1) throw new CommandError(`Line ${number} of the Caddyfile closes a block that was never opened.`);
      open.pop();
      line = undefined;
    } else if (line?.line === number) {
      line.arguments.push(text);
    } else {
      line = { name: text, arguments: [], line: number };
      current.push(line);
    }
  }
  if (open.length > 1) throw new CommandError("The Caddyfile ends inside a block.");
  return root;
}

function expand(lines: Directive[], shared: Map<string, Directive[]>, depth = 0): Directive[] {
  if (depth > 50) throw new CommandError("A snippet of the Caddyfile imports itself.");
  return lines.flatMap((line) => {
    const [name = ""] = line.arguments;
    const found = line.name === "import" ? shared.get(`(${name})`) : line.name === "invoke" ? shared.get(`&(${name})`) : undefined;
    if (found) return expand(found, shared, depth + 1);
    return [line.block ? { ...line, block: expand(line.block, shared, depth + 1) } : line];
  });
}
