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

/** What `asJSON` takes, as the end of a sentence. A user lies in a session, which lies in a token. */
export const PLAIN_JSON = "plain JSON: no bigint, no circle, no lone surrogate, not nested deeper than 60.";

/** What JSON makes of the value; undefined if it can make nothing that Caddy reads. */
export function asJSON(value: unknown): Record<string, unknown> | undefined {
  try {
    const plain = JSON.parse(JSON.stringify(value));
    refuseUnsound(plain);
    return plain;
  } catch {
    return undefined; // circular, a bigint, a lone surrogate, or nested too deeply
  }
}

/** Throws on lone surrogates and on nesting deeper than 64, which Caddy refuses. `depth` is how deep `value` lies. */
function refuseUnsound(value: unknown, depth = 1) {
  if (typeof value === "string" && /\p{Surrogate}/u.test(value)) throw new Error("a lone surrogate");
  if (typeof value !== "object" || value === null) return;
  if (depth > MAX_DEPTH) throw new Error("nested too deeply");
  for (const [name, member] of Object.entries(value)) {
    refuseUnsound(name);
    refuseUnsound(member, depth + 1);
  }
}
