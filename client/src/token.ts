import { decodeBytes, decoder, decodeText, encodeBytes, encoder, encodeText } from "./base64url.js";
import { refuseWeakSecret } from "./secret.js";
import { asJSON, parseStrict, PLAIN_JSON } from "./strict-json.js";
import type { Session, User } from "./types.js";

// A token is a compact JWE (RFC 7516) with `alg: dir` and `enc: A256GCM`, written with WebCrypto, which Node.js and the Edge runtime share.

/** How far a time of another machine may lie ahead, in milliseconds. */
const CLOCK_SKEW = 60_000;

/** Seals and opens the sessions of one realm. */
export interface Keyring {
  seal(session: Session): Promise<string>;
  /** The session inside the token, or null if it is not a valid token or its session has expired. */
  open(token: string): Promise<Session | null>;
}

/** Derives the realm's key from the secret. Throws one sentence if the secret is weak. */
export async function createKeyring(secret: string, realm: string): Promise<Keyring> {
  const bytes = encoder.encode(secret);
  refuseWeakSecret(bytes);
  const info = `caddy-session-guard v1 A256GCM${realm === "default" ? "" : ` ${realm}`}`;
  const material = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveBits"]);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encoder.encode(info) };
  const raw = await crypto.subtle.deriveBits(hkdf, material, 256);
  const key = await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
  const kid = encodeBytes(new Uint8Array(await crypto.subtle.digest("SHA-256", raw)).subarray(0, 8));
  return {
    seal: (session) => seal(session, key, kid),
    async open(token) {
      try {
        return await open(token, key, kid);
      } catch {
        return null; // a cookie that does not open is anonymity
      }
    },
  };
}

/** How long the token is that Caddy makes of a session, in bytes. */
export function tokenLength(session: Session): number {
  const claims = encodeAsCaddy(claimsOf(session, encodeBytes(new Uint8Array(16))));
  return [headerOf(encodeBytes(new Uint8Array(8))), "", encodeBytes(new Uint8Array(12)), claims, encodeBytes(new Uint8Array(16))].join(".").length;
}

/** The base64url of JSON of the length that Caddy's has: Go writes the line separators as escapes of six bytes. */
export function encodeAsCaddy(value: unknown): string {
  return encodeText(JSON.stringify(value).replace(/[\u2028\u2029]/g, "\\u2028"));
}

function claimsOf({ expiryDate: _, ...members }: Session, jti: string) {
  return { ...members, jti, iat: Math.floor(Date.now() / 1000), exp: Math.ceil(members.expiresAt / 1000) };
}

const headerOf = (kid: string) => encodeText(JSON.stringify({ alg: "dir", enc: "A256GCM", kid, typ: "session+jwt" }));

async function seal(session: Session, key: CryptoKey, kid: string): Promise<string> {
  const claims = asJSON(claimsOf(session, encodeBytes(crypto.getRandomValues(new Uint8Array(16)))));
  if (!claims) throw new Error(`A session must be ${PLAIN_JSON}`);
  readClaims(claims); // or nobody could open the token
  const header = headerOf(kid);
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt(
    { name: "AES-GCM", iv, additionalData: encoder.encode(header) },
    key,
    encoder.encode(JSON.stringify(claims)),
  );
  const ciphertext = encodeBytes(new Uint8Array(sealed, 0, sealed.byteLength - 16));
  const tag = encodeBytes(new Uint8Array(sealed, sealed.byteLength - 16));
  return [header, "", encodeBytes(iv), ciphertext, tag].join(".");
}

async function open(token: string, key: CryptoKey, kid: string): Promise<Session> {
  const [header = "", encryptedKey, iv = "", ciphertext = "", tag = "", ...rest] = token.split(".");
  if (encryptedKey !== "" || rest.length > 0) throw new Error("not a compact JWE with a direct key");
  checkHeader(parseStrict(decodeText(header)), kid);
  const nonce = decodeBytes(iv);
  const authentication = decodeBytes(tag);
  if (nonce.length !== 12 || authentication.length !== 16) throw new Error("wrong length");
  const body = decodeBytes(ciphertext);
  const sealed = new Uint8Array(body.length + 16);
  sealed.set(body);
  sealed.set(authentication, body.length);
  const plaintext = await crypto.subtle.decrypt(
    { name: "AES-GCM", iv: nonce, additionalData: encoder.encode(header) },
    key,
    sealed,
  );
  const claims = parseStrict(decoder.decode(plaintext));
  checkTimes(claims, Date.now());
  return readClaims(claims);
}

function checkHeader(header: Record<string, unknown>, kid: string) {
  const expected: Record<string, string> = { alg: "dir", enc: "A256GCM", kid, typ: "session+jwt" };
  const exact = Object.keys(header).length === 4 && Object.keys(expected).every((name) => header[name] === expected[name]);
  if (!exact) throw new Error("not the protected header of a session");
}

const CLAIMS = ["user", "accessToken", "refreshToken", "createdAt", "expiresAt", "lastActivity", "expiryDate", "jti", "iat", "exp", "nbf", "aud"];

/** The last millisecond of the year 9999. */
const LATEST = 253_402_300_799_999;

/** Turns claims into a session. Throws if a required claim is missing or is not what it should be. */
function readClaims(claims: Record<string, unknown>): Session {
  for (const name of Object.keys(claims)) {
    const spelling = CLAIMS.find((claim) => folded(claim) === folded(name));
    if (spelling && spelling !== name) throw new Error(`${name} instead of ${spelling}`);
  }
  const { user, createdAt, expiresAt, lastActivity, jti, iat, exp, accessToken, refreshToken } = claims;
  if (!isUser(user)) throw new Error("A session's user.id must be a non-empty string without control characters or outer white space.");
  if (typeof jti !== "string" || !/^[\x21-\x7e]{1,64}$/.test(jti)) throw new Error("A session needs a jti.");
  if (claims.aud !== undefined) throw new Error("The token is for another audience.");
  for (const token of [accessToken, refreshToken]) {
    if (token !== undefined && typeof token !== "string") throw new Error("A session's accessToken and refreshToken must be strings.");
  }
  seconds(iat);
  const expiry = time(expiresAt);
  if (Math.abs(seconds(exp) * 1000 - expiry) > 1000) throw new Error("exp and expiresAt disagree");
  return {
    user,
    ...(accessToken === undefined ? undefined : { accessToken }),
    ...(refreshToken === undefined ? undefined : { refreshToken }),
    expiresAt: expiry,
    expiryDate: new Date(expiry).toISOString(),
    createdAt: time(createdAt),
    ...(lastActivity === undefined ? undefined : { lastActivity: time(lastActivity) }),
  } as Session;
}

/** Throws if the session is over or comes from the future. There is no leeway on expiry. */
function checkTimes(claims: Record<string, unknown>, now: number) {
  if (time(claims.expiresAt) <= now || seconds(claims.exp) * 1000 <= now) throw new Error("expired");
  const past = [time(claims.createdAt), seconds(claims.iat) * 1000];
  if (claims.lastActivity !== undefined) past.push(time(claims.lastActivity));
  if (claims.nbf !== undefined) past.push(seconds(claims.nbf) * 1000);
  if (past.some((moment) => moment > now + CLOCK_SKEW)) throw new Error("from the future");
}

function time(value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= LATEST) return value as number;
  throw new Error("A session's times must be whole milliseconds since the epoch.");
}

/** Seconds may have a fraction (RFC 7519 section 2). As in Caddy it does not count: jose's setExpirationTime(expiresAt / 1000) writes one. */
function seconds(value: unknown): number {
  return time(typeof value === "number" ? Math.trunc(value) : value);
}

/** Folds case as Go's encoding/json does, which takes U+017F for an s. */
function folded(name: string): string {
  return name.toUpperCase().toLowerCase();
}

/** Whether the value can be the user of a session. */
export function isUser(value: unknown): value is User {
  const id = typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Partial<User>).id : undefined;
  return typeof id === "string" && id !== "" && !/^\p{White_Space}|\p{White_Space}$|\p{Cc}/u.test(id);
}
