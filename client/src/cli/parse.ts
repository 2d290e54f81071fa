import { CommandError } from "./load.js";
import type { Directive } from "./directives.js";

interface Token {
  text: string;
  line: number;
  quoted: boolean;
}

/** Reads a Caddyfile as far as its blocks: `{$VAR}` is replaced as Caddy does, snippets are put where they are imported. */
export function parseCaddyfile(text: string): Directive[] {
  const lines = parseLines(tokenize(substitute(text)));
  const snippets = new Map(lines.filter(({ name }) => /^\(.*\)$/.test(name)).map(({ name, block }) => [name.slice(1, -1), block ?? []]));
  return expand(lines, snippets);
}

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
  let line: (Directive & { line: number }) | undefined;
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

function expand(lines: Directive[], snippets: Map<string, Directive[]>, depth = 0): Directive[] {
  if (depth > 50) throw new CommandError("A snippet of the Caddyfile imports itself.");
  return lines.flatMap((line) => {
    const snippet = line.name === "import" ? snippets.get(line.arguments[0] ?? "") : undefined;
    if (snippet) return expand(snippet, snippets, depth + 1);
    return [line.block ? { ...line, block: expand(line.block, snippets, depth + 1) } : line];
  });
}
