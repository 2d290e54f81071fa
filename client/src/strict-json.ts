/** Parses a JSON object. Unlike JSON.parse it refuses a member that is written twice, since two readers may disagree about which one counts. */
export function parseStrict(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("not a JSON object");
  refuseDuplicates(text);
  return value as Record<string, unknown>;
}

/** Walks the tokens of valid JSON: a string is a member's name when a colon follows it. */
function refuseDuplicates(text: string) {
  const open: Set<string>[] = [];
  for (const [token, name] of text.matchAll(/("(?:[^"\\]|\\.)*")\s*:|"(?:[^"\\]|\\.)*"|[{}]/g)) {
    if (token === "{") open.push(new Set());
    else if (token === "}") open.pop();
    else if (name) {
      const members = open.at(-1) as Set<string>;
      const member = JSON.parse(name) as string;
      if (members.has(member)) throw new Error("duplicate member");
      members.add(member);
    }
  }
}
