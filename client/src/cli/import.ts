import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { CommandError } from "./load.js";
import type { Directive } from "./directives.js";

/** A snippet, or a named route. */
export const SHARED = /^&?\(.*\)$/;
const SNIPPET = /^\(.*\)$/;

/** The files that an `import` in `from` names, as Caddy finds them: relative to that file, with `*` and `?` in any part of the path. */
export function importedFiles(pattern: string, from: string, line: number | undefined): string[] {
  const path = resolve(dirname(from), pattern);
  if (!/[*?[]/.test(pattern)) return [path];
  if (pattern.includes("[")) throw new CommandError(`Line ${line} of ${from} imports ${pattern}, and [ is not understood here; name the files.`);
  const found = path.split(sep).slice(1).reduce<string[]>((found, part) => found.flatMap((folder) => entries(folder, part)), [sep]);
  return found.filter((file) => !basename(file).startsWith(".") || !basename(path).startsWith("*"));
}

function entries(folder: string, part: string): string[] {
  if (!/[*?]/.test(part)) return [join(folder, part)];
  const source = part.replace(/[.+^${}()|\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".");
  try {
    const names = readdirSync(folder).filter((name) => new RegExp(`^${source}$`, "s").test(name));
    return names.sort().map((name) => join(folder, name));
  } catch {
    return []; // no folder
  }
}

/** The text of a Caddyfile. */
export function readCaddyfile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (reason) {
    throw new CommandError(`${file} cannot be read: ${(reason as NodeJS.ErrnoException).code ?? reason}.`);
  }
}

/**
 * A snippet's lines as one `import` has them: `{args[0]}`, `{args[1:]}`, `{block}` and `{blocks.name}` are replaced. What is not given is an error:
 * a rule that is not read is a rule that is not compared. A snippet that an imported file defines waits for the arguments of its own imports.
 */
export function withArguments(lines: Directive[], by: Directive): Directive[] {
  const given = by.arguments.slice(1);
  const fill = (text: string) =>
    text.replace(/\{args(?:\[(-?\d+)\]|\.(\d+))\}/g, (written, index: string | undefined, old: string | undefined) => {
      const value = given[Number(index ?? old)];
      if (value === undefined) throw new CommandError(`Line ${by.line} of the Caddyfile does not pass ${written} to the snippet ${by.arguments[0]}.`);
      return value;
    });
  const fillAll = (texts: string[]) =>
    texts.flatMap((text) => {
      const [, from, to] = /^\{args\[(\d*):(\d*)\]\}$/.exec(text) ?? [];
      return from === undefined ? [fill(text)] : given.slice(Number(from), to ? Number(to) : undefined);
    });
  return lines.flatMap((line): Directive[] => {
    if (SNIPPET.test(line.name)) return [line];
    if (line.name === "{block}") return by.block ?? [];
    const [, named] = /^\{blocks\.(.+)\}$/.exec(line.name) ?? [];
    if (named) return afterName((by.block ?? []).findLast(({ name }) => name === named));
    const [name = "", ...rest] = fillAll([line.name, ...line.arguments]);
    return [{ ...line, name, arguments: rest, block: line.block && withArguments(line.block, by) }];
  });
}

/** What stands after the name of a line, as lines: the rest of it, and its block. */
function afterName(line: Directive | undefined): Directive[] {
  const { arguments: [name, ...rest] = [], block = [], ...place } = line ?? {};
  return name === undefined ? block : [{ ...place, name, arguments: rest }, ...block];
}
