import { createHash, hkdfSync } from "node:crypto";
import { CompactEncrypt, EncryptJWT, jwtDecrypt } from "jose";
import { describe, expect, test, vi } from "vitest";
import { NextAuthSession } from "../../src/index.js";
import { createKeyring } from "../../src/token.js";
import { SECRET, session } from "./harness.js";

const { encryptSession, decryptSession } = NextAuthSession();

/** The key as the documentation describes it, with Node's own HKDF. */
function keyOf(secret: string, info = "caddy-session-guard v1 A256GCM") {
  return new Uint8Array(hkdfSync("sha256", secret, "", info, 32));
}

const key = keyOf(SECRET);
const kid = createHash("sha256").update(key).digest().subarray(0, 8).toString("base64url");
const header = { alg: "dir", enc: "A256GCM", kid, typ: "session+jwt" };

function claims(extra: object = {}) {
  const { expiryDate: _, ...members } = session();
  const now = Math.floor(Date.now() / 1000);
  return { ...members, jti: "AAAAAAAAAAAAAAAAAAAAAA", iat: now, exp: Math.floor(members.expiresAt / 1000), ...extra };
}

/** A token by another implementation: whatever text, under whatever header. */
function seal(plaintext: string, protectedHeader: object = header, by = key) {
  return new CompactEncrypt(new TextEncoder().encode(plaintext)).setProtectedHeader(protectedHeader as typeof header).encrypt(by);
}

/** A token that is valid but for the length of its nonce, unless that is 12. */
async function sealWithNonce(length: number) {
  const encode = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64url");
  const by = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const iv = crypto.getRandomValues(new Uint8Array(length));
  const first = encode(JSON.stringify(header));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: Buffer.from(first) }, by, Buffer.from(JSON.stringify(claims())));
  return [first, "", encode(iv), encode(new Uint8Array(sealed.slice(0, -16))), encode(new Uint8Array(sealed.slice(-16)))].join(".");
}

describe("tokens", () => {
  test("jose opens ours", async () => {
    const sealed = session({ accessToken: "at" });
    const { payload, protectedHeader } = await jwtDecrypt(await encryptSession(sealed), key);
    expect(protectedHeader).toEqual(header);
    const { jti, iat, exp, ...members } = payload;
    const { expiryDate: _, ...expected } = sealed;
    expect(members).toEqual(expected);
    expect(jti).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(iat).toBeCloseTo(Date.now() / 1000, -1);
    expect(Math.abs((exp ?? 0) * 1000 - sealed.expiresAt)).toBeLessThan(1000);
  });

  test("we open jose's", async () => {
    const made = claims({ refreshToken: "rt" });
    const token = await new EncryptJWT(made).setProtectedHeader(header as never).encrypt(key);
    const { jti: _1, iat: _2, exp: _3, ...members } = made;
    expect(await decryptSession(token)).toEqual({ ...members, expiryDate: new Date(made.expiresAt).toISOString() });
  });

  test("with seconds that have a fraction open, as in Caddy", async () => {
    const { iat, exp, ...made } = claims();
    expect(await decryptSession(await seal(JSON.stringify({ ...made, iat: iat + 0.147, exp: exp + 0.5, nbf: iat - 0.5 })))).not.toBeNull();
    expect(await decryptSession(await seal(JSON.stringify({ ...made, iat, exp, createdAt: made.createdAt - 0.5 })))).toBeNull();
  });

  test("a named realm has its own key", async () => {
    const admin = NextAuthSession({ session: { realm: "admin" } });
    const token = await admin.encryptSession(session());
    expect(await decryptSession(token)).toBeNull();
    expect(await admin.decryptSession(token)).not.toBeNull();
    expect((await jwtDecrypt(token, keyOf(SECRET, "caddy-session-guard v1 A256GCM admin"))).payload.user).toEqual(session().user);
  });

  test("two tokens of one session differ in id and bytes", async () => {
    const [one, two] = [await encryptSession(session()), await encryptSession(session())];
    expect(one).not.toBe(two);
  });

  test("with a nonce of 12 bytes open", async () => {
    expect(await decryptSession(await sealWithNonce(12))).not.toBeNull();
  });

  test("text outside ASCII survives", async () => {
    const user = { id: "ю", name: "Ада 🎉" };
    expect((await decryptSession(await encryptSession(session({ user }))))?.user).toEqual(user);
  });
});

describe("what could not be opened is not sealed", () => {
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
  const circle: Record<string, unknown> = { id: "1" };
  circle.itself = circle;

  test.each<[string, Record<string, unknown>, RegExp]>([
    ["a lone surrogate", { id: "1", name: "\ud800" }, /^A session must be plain JSON: .*no lone surrogate/],
    ["a lone surrogate in a name", { id: "1", "\udc00": 1 }, /^A session must be plain JSON/],
    ["what is nested too deeply", { id: "1", deep: nested(63) }, /^A session must be plain JSON: .*not nested deeper than 60\.$/],
    ["a bigint", { id: "1", age: 7n }, /^A session must be plain JSON: no bigint/],
    ["a circle", circle, /^A session must be plain JSON/],
    ["what fits into no cookies", { id: "1", text: "x".repeat(10_000) }, /^The session is too large: its token would take 1\d{4} bytes, at most 12\d{3} fit/],
    ["what fits into cookies as UTF-8, but not as Caddy writes it", { id: "1", text: "\u2028".repeat(2900) }, /^The session is too large/],
    ["what does not fit into a request to the app", { id: "1".repeat(5000), text: "x".repeat(1000) }, /^The session is too large: the request headers for the app/],
  ])("%s", async (_, user, message) => {
    await expect(encryptSession(session({ user: user as never }))).rejects.toThrow(message);
  });

  test.each<[string, object, RegExp]>([
    ["an empty user id", { user: { id: "" } }, /^A session's user\.id must be a non-empty string/],
    ["a time with a fraction", { createdAt: 1.5 }, /^A session's times must be whole milliseconds/],
    ["a time after the year 9999", { expiresAt: 253_402_300_800_000 }, /^A session's times must be whole milliseconds/],
    ["a token that is a number", { accessToken: 1 }, /^A session's accessToken and refreshToken must be strings/],
    ["an audience", { aud: "x" }, /^The token is for another audience/],
  ])("%s", async (_, extra, message) => {
    await expect(encryptSession(session(extra))).rejects.toThrow(message);
  });

  test("and what can be is", async () => {
    const user = { id: "1", deep: nested(62), text: "x".repeat(8000) };
    expect((await decryptSession(await encryptSession(session({ user }))))?.user).toEqual(user);
  });
});

describe("what does not open", () => {
  const json = (extra: object = {}) => JSON.stringify(claims(extra));
  const valid = json();
  const now = Math.floor(Date.now() / 1000);

  test.each<[string, () => Promise<string> | string]>([
    ["nothing", () => ""],
    ["another key", () => seal(valid, header, keyOf("x".repeat(16) + SECRET))],
    ["another kid", () => seal(valid, { ...header, kid: "AAAAAAAAAAA" })],
    ["another typ", () => seal(valid, { ...header, typ: "JWT" })],
    ["a further header member", () => seal(valid, { ...header, cty: "JSON" })],
    ["compression", () => seal(valid, { ...header, zip: "DEF" }).catch(() => "a.b.c")],
    ["no user", () => seal(json({ user: undefined }))],
    ["a user without id", () => seal(json({ user: { name: "x" } }))],
    ["an empty user id", () => seal(json({ user: { id: "" } }))],
    ["no jti", () => seal(json({ jti: undefined }))],
    ["no iat", () => seal(json({ iat: undefined }))],
    ["no exp", () => seal(json({ exp: undefined }))],
    ["no createdAt", () => seal(json({ createdAt: undefined }))],
    ["no expiresAt", () => seal(json({ expiresAt: undefined }))],
    ["exp and expiresAt that disagree", () => seal(json({ exp: now + 7200 }))],
    ["an expired session", () => seal(json({ expiresAt: Date.now() - 1, exp: now }))],
    ["createdAt more than a minute ahead", () => seal(json({ createdAt: Date.now() + 62_000 }))],
    ["lastActivity more than a minute ahead", () => seal(json({ lastActivity: Date.now() + 62_000 }))],
    ["iat more than a minute ahead", () => seal(json({ iat: now + 62 }))],
    ["nbf more than a minute ahead", () => seal(json({ nbf: now + 62 }))],
    ["a time that is a string", () => seal(json({ exp: String(now + 3600) }))],
    ["a token member that is a number", () => seal(json({ accessToken: 1 }))],
    ["a time that is not whole", () => seal(json({ createdAt: 1.5 }))],
    ["a negative time", () => seal(json({ lastActivity: -1 }))],
    ["an empty jti", () => seal(json({ jti: "" }))],
    ["a jti with a blank", () => seal(json({ jti: "a b" }))],
    ["an audience", () => seal(json({ aud: "x" }))],
    ["a lone surrogate", () => seal(valid.replace("Ada", "\\ud800"))],
    ["a duplicate member", () => seal(valid.replace('{"user"', '{"jti":"x","user"'))],
    ["a duplicate member further down", () => seal(valid.replace('"id":"1"', '"id":"2","id":"1"'))],
    ["a member in another case", () => seal(valid.replace('{"user"', '{"User":{"id":"2"},"user"'))],
    ["a member with a long s", () => seal(valid.replace('{"user"', '{"u\u017fer":{"id":"2"},"user"'))],
    ...["accessToken", "refreshToken", "createdAt", "expiresAt", "lastActivity", "expiryDate", "jti", "iat", "exp", "nbf", "aud"].map(
      (name): [string, () => Promise<string>] => [`${name} in capitals`, () => seal(json({ [name.toUpperCase()]: 1 }))],
    ),
    ["a nonce of 16 bytes", () => sealWithNonce(16)],
    ["something after the object", () => seal(`${valid} {}`)],
    ["an array", () => seal(`[${valid}]`)],
    ["bytes that are not UTF-8", async () => new CompactEncrypt(new Uint8Array([0xff, 0xfe])).setProtectedHeader(header).encrypt(key)],
  ])("%s", async (_, make) => {
    expect(await decryptSession(await make())).toBeNull();
  });

  test("any character that is changed, added or left out", async () => {
    const token = await encryptSession(session());
    expect(await decryptSession(token)).not.toBeNull();
    const broken = [`${token}.`, `${token}=`, `${token} `, token.replace("..", ".AA."), token.replace(/[^.]+$/, ""), `.${token}`];
    for (let index = 0; index < token.length; index += 7) {
      broken.push(token.slice(0, index) + (token[index] === "A" ? "B" : "A") + token.slice(index + 1));
      broken.push(token.slice(0, index) + token.slice(index + 1));
    }
    for (const text of broken) expect(await decryptSession(text), text).toBeNull();
  });

  test("another spelling of the last base64url character", async () => {
    const token = await encryptSession(session());
    const last = token.at(-1) as string; // a tag of 16 bytes leaves four bits unused
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const twin = alphabet[alphabet.indexOf(last) ^ 1] as string;
    expect(await decryptSession(token.slice(0, -1) + twin)).toBeNull();
  });

  test("a session at the moment it expires", async () => {
    vi.useFakeTimers();
    vi.setSystemTime(1_800_000_000_000);
    const token = await encryptSession(session());
    vi.setSystemTime(1_800_000_000_000 + 3_600_000 - 1);
    expect(await decryptSession(token)).not.toBeNull();
    vi.setSystemTime(1_800_000_000_000 + 3_600_000);
    expect(await decryptSession(token)).toBeNull();
  });
});

describe("secrets", () => {
  test.each([
    ["shorter than 32 bytes", "0123456789abcdef"],
    ["with few different bytes", "abcabcdabcabcabcdabcabdcabcabcdabcab"],
    ["that repeats one block", "0123456789abcdef0123456789abcdef"],
    ["that repeats one block in part", "0123456789abc0123456789abc0123456789"],
    ["from a README", "your-secret-key-at-least-32-characters"],
    ["from another README", "complex_password_at_least_32_characters_long"],
  ])("%s are refused", async (_, secret) => {
    await expect(createKeyring(secret, "default")).rejects.toThrow(/openssl rand -base64 32/);
    await expect(createKeyring(secret, "default")).rejects.not.toThrow(secret);
  });

  test("are asked for when they are missing", async () => {
    vi.stubEnv("SESSION_SECRET", undefined);
    await expect(encryptSession(session())).rejects.toThrow(/Set SESSION_SECRET/);
  });

  test("are never used in a browser", async () => {
    const token = await encryptSession(session());
    vi.stubGlobal("window", {});
    await expect(encryptSession(session())).rejects.toThrow(/run on the server/);
    await expect(decryptSession(token)).rejects.toThrow(/run on the server/);
    vi.unstubAllGlobals();
  });

  test("secretKey goes before the environment", async () => {
    const secret = "another secret of more than 32 bytes";
    const token = await NextAuthSession({ session: { secretKey: secret } }).encryptSession(session());
    expect((await jwtDecrypt(token, keyOf(secret))).payload.user).toEqual(session().user);
  });
});
