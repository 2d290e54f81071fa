// The rules of Caddy's `secret`, so that a secret which is good here is good there.

const INSTEAD = "make one with `openssl rand -base64 32`";

/** Pieces of secrets that documentation prints. People copy them, and so do attackers. */
const EXAMPLES =
  /(complex|my|super|your)[_-]?(password|secret)|secret[_-]key|at[_-]least[_-]32|(change|replace)[_-]?me|(example|default)[_-]secret|secr3t|openssl rand|correct ?horse ?battery/i;

/** Throws one sentence if no safe key can be made from the secret. It never shows the secret. */
export function refuseWeakSecret(bytes: Uint8Array) {
  const text = String.fromCharCode(...bytes);
  if (bytes.length < 32) throw new Error(`SESSION_SECRET has ${bytes.length} bytes, fewer than 32; ${INSTEAD}.`);
  if (new Set(bytes).size < 8) throw new Error(`SESSION_SECRET has too few different bytes; ${INSTEAD}.`);
  if (repeats(text)) throw new Error(`SESSION_SECRET only repeats a shorter text; ${INSTEAD}.`);
  if (EXAMPLES.test(text)) throw new Error(`SESSION_SECRET contains an example from documentation; ${INSTEAD}.`);
}

/** Whether the text is a block of at most half its length, repeated (the last time perhaps in part). */
function repeats(text: string): boolean {
  for (let period = 1; period <= text.length / 2; period++) {
    if (text.slice(period) === text.slice(0, -period)) return true;
  }
  return false;
}
