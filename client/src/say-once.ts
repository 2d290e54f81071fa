const SAID = Symbol.for("caddy-session-guard.said");
const everywhere = globalThis as { [SAID]?: Set<string> };

/** Logs an error once for each subject, whichever bundle of Next.js says it: each has a copy of this module. */
export function sayOnce(subject: string, message: string) {
  const said = (everywhere[SAID] ??= new Set());
  if (said.has(subject)) return;
  said.add(subject);
  console.error(`caddy-session-guard: ${message}`);
}
