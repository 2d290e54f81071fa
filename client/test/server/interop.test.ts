import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createKeyring, tokenLength } from "../../src/token.js";
import type { Session } from "../../src/types.js";

interface Vector {
  name: string;
  secret: string;
  realm: string;
  now: number;
  token: string;
  session: Session | null;
}

/** Tokens that Caddy's core and jose have sealed; the core's own tests read the same file. */
const vectors: Vector[] = JSON.parse(readFileSync(new URL("../../../session/testdata/tokens.json", import.meta.url), "utf8"));

afterEach(() => {
  vi.useRealTimers();
});

describe("tokens of other implementations", () => {
  test.each(vectors)("$name", async ({ secret, realm, now, token, session }) => {
    vi.useFakeTimers({ now, toFake: ["Date"] });
    const keyring = await createKeyring(secret, realm);
    expect(await keyring.open(token)).toEqual(session);
  });

  test.each(vectors.filter(({ name, session }) => session && !name.startsWith("jose")))("the length of $name is known before it is sealed", ({ token, session }) => {
    expect(tokenLength(session as Session)).toBe(token.length);
  });
});
