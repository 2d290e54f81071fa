import { existsSync } from "node:fs";
import { dirname, join } from "node:path";

/** The first of these names in the folder, or in the nearest one above it. */
export function findUp(folder: string, names: string[]): string | undefined {
  const found = names.map((name) => join(folder, name)).find((path) => existsSync(path));
  return found ?? (dirname(folder) === folder ? undefined : findUp(dirname(folder), names));
}

/** The folder of the package that a file belongs to. */
export function packageFolder(file: string): string {
  return dirname(findUp(dirname(file), ["package.json"]) ?? file);
}
