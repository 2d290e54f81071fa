import { createHash, hkdfSync } from "node:crypto";
import { jwtDecrypt } from "jose";
import { type NextRequest, NextResponse } from "next/server";

export const config = { matcher: "/checked/:path*" };

/** The key and its id, as the token's description derives them from the secret. */
const key = new Uint8Array(hkdfSync("sha256", process.env.SESSION_SECRET ?? "", "", "caddy-session-guard v1 A256GCM", 32));
const keyId = createHash("sha256").update(key).digest().subarray(0, 8).toString("base64url");

/** What an app does that guards itself: it opens the cookie at every request. */
export async function proxy(request: NextRequest) {
  try {
    const { payload, protectedHeader } = await jwtDecrypt(request.cookies.get("session")?.value ?? "", key, {
      typ: "session+jwt",
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
      requiredClaims: ["user", "exp", "jti"],
    });
    if (protectedHeader.kid === keyId) {
      const headers = new Headers(request.headers);
      headers.set("x-session-user", (payload.user as { id: string }).id);
      return NextResponse.next({ request: { headers } });
    }
  } catch {
    // Not a session: anonymous.
  }
  return NextResponse.redirect(new URL("/login", request.url));
}
