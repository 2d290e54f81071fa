/** The deepest nesting that Caddy reads. */
const MAX_DEPTH = 64;

/**
 * Parses a JSON object. Unlike JSON.parse it refuses what two readers may understand differently: a member that is written twice, lone surrogates,
 * and nesting deeper than 64.
 */
export function parseStrict(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("not a JSON object");
  refuseDuplicates(text);
  refuseUnsound(value);
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

/** Throws on lone surrogates and on nesting deeper than 64, which Caddy refuses. `depth` is how deep `value` lies. */
export function refuseUnsound(value: unknown, depth = 1) {
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) throw new Error("a lone surrogate");
  if (typeof value !== "object" || value === null) return;
  if (depth > MAX_DEPTH) throw new Error("nested too deeply");
  for (const [name, member] of Object.entries(value)) {
    refuseUnsound(name);
    refuseUnsound(member, depth + 1);
  }
}
