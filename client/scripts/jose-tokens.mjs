// Adds tokens that jose seals to session/testdata/tokens.json, which the Go core and this package both read in their tests.
import { createHash, hkdfSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { EncryptJWT } from "jose";

const file = new URL("../../session/testdata/tokens.json", import.meta.url);
const secret = "q3Zr8mVtYx0LhJ5uWc7PnE2sKd9GaB4f";
const now = 1772366400250;

async function seal(name, realm, session, replaced = {}) {
  const info = `caddy-session-guard v1 A256GCM${realm === "default" ? "" : ` ${realm}`}`;
  const key = new Uint8Array(hkdfSync("sha256", secret, "", info, 32));
  const kid = createHash("sha256").update(key).digest().subarray(0, 8).toString("base64url");
  const { expiryDate: _, ...members } = session;
  const claims = { ...members, jti: "BBBBBBBBBBBBBBBBBBBBBB", iat: Math.floor(now / 1000), exp: Math.floor(session.expiresAt / 1000), ...replaced };
  const token = await new EncryptJWT(claims).setProtectedHeader({ typ: "session+jwt", kid, enc: "A256GCM", alg: "dir" }).encrypt(key);
  return { name: `jose: ${name}`, secret, realm, now, token, session: Object.keys(replaced).length > 0 ? null : session };
}

const times = { expiresAt: 1772971200250, expiryDate: "2026-03-08T12:00:00.250Z", createdAt: 1772366400250, lastActivity: 1772366400250 };
const sealed = [
  await seal("plain", "default", { user: { id: "alice" }, ...times }),
  await seal("tokens, a named realm", "shop", { user: { id: "alice", name: "مر 😀" }, accessToken: "at", refreshToken: "rt", ...times }),
  await seal("for another audience", "default", { user: { id: "alice" }, ...times }, { aud: "another" }),
  await seal("no user", "default", { user: { id: "alice" }, ...times }, { user: null }),
];
const others = JSON.parse(readFileSync(file, "utf8")).filter(({ name }) => !name.startsWith("jose"));
writeFileSync(file, `${JSON.stringify([...others, ...sealed], null, 2)}\n`);
