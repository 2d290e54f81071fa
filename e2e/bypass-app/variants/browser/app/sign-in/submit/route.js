import { returnTo } from "caddy-session-guard";
import { createSession } from "../../../lib/auth";

export async function POST(request) {
  const form = await request.formData();
  await createSession({ id: "7", name: String(form.get("name")) }, { accessToken: "TOKEN-MARK-access", refreshToken: "TOKEN-MARK-refresh" });
  return new Response(null, { status: 303, headers: { Location: returnTo(form.get("return_to"), "/account") } });
}
