import { returnTo } from "caddy-session-guard";
import { localPath } from "@/i18n/routing";
import { createSession } from "@/lib/auth";
import { checkPassword } from "@/lib/users";

// The same sign-in as the Server Action `login`, for a plain form of any page.
export async function POST(request: Request): Promise<Response> {
  // Next.js checks the origin of Server Actions, but not of Route Handlers: without this, another site could sign its
  // visitors in here under the attacker's account (login CSRF).
  if (request.headers.get("origin")?.replace(/^https?:\/\//, "") !== request.headers.get("host")) {
    return new Response("This form was posted from another site.", { status: 403 });
  }
  const form = await request.formData();
  const locale = form.get("locale");
  const wanted = form.get("return_to");

  const user = checkPassword(String(form.get("email") ?? ""), String(form.get("password") ?? ""));
  if (!user) {
    const query = new URLSearchParams({ error: "wrongPassword", ...(typeof wanted === "string" && { return_to: wanted }) });
    return seeOther(`${localPath("/login", locale)}?${query}`);
  }
  const result = await createSession(user);
  if (!result.success) {
    throw new Error(result.error);
  }
  return seeOther(returnTo(wanted, localPath("/dashboard", locale)));
}

/** In a Route Handler redirect() answers 307, after which the browser would post the form again. */
function seeOther(location: string): Response {
  return new Response(null, { status: 303, headers: { Location: location } });
}
