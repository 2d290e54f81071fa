"use server";

import { randomUUID } from "node:crypto";
import { returnTo, type SessionResult } from "caddy-session-guard";
import { redirect } from "next/navigation";
import { localPath } from "@/i18n/routing";
import { createSession, deleteSession, getSession, updateSession } from "@/lib/auth";
import { checkPassword } from "@/lib/users";

/** What a form shows after a failed attempt: a key of the messages, and what was typed. */
export interface FormState {
  error?: "wrongPassword" | "incomplete";
  email?: string;
  name?: string;
}

// Every action that changes the session ends with redirect(): Next.js renders the rest of an answer with the session that
// the request came with. With a redirect Caddy drops that part, and the browser loads the page afresh.

export async function login(_: FormState, form: FormData): Promise<FormState> {
  const email = text(form, "email");
  const user = checkPassword(email, text(form, "password"));
  if (!user) {
    return { error: "wrongPassword", email };
  }
  ensure(await createSession(user));
  redirect(returnTo(text(form, "return_to"), localPath("/dashboard", text(form, "locale"))));
}

export async function register(_: FormState, form: FormData): Promise<FormState> {
  const name = text(form, "name").trim();
  const email = text(form, "email").trim();
  if (!validName(name) || !email.includes("@") || email.length > 200) {
    return { error: "incomplete", name, email };
  }
  // Nothing is stored: in this demo the session itself is the account.
  ensure(await createSession({ id: randomUUID(), name, email, role: "member" }));
  redirect(returnTo(text(form, "return_to"), localPath("/dashboard", text(form, "locale"))));
}

export async function saveProfile(_: FormState, form: FormData): Promise<FormState> {
  // Anybody may post an action to a page that is open to them, so an action checks the session itself.
  if (!(await getSession())) {
    redirect(localPath("/login", text(form, "locale")));
  }
  const name = text(form, "name").trim();
  if (!validName(name)) {
    return { error: "incomplete", name };
  }
  ensure(await updateSession({ user: { name } }));
  redirect(localPath("/dashboard/profile", text(form, "locale")) + "?saved=1");
}

export async function logout(form: FormData) {
  ensure(await deleteSession());
  redirect(localPath("/", text(form, "locale")));
}

/** Throws for what cannot happen in this demo: a session that is too large, or no Caddy in front. */
function ensure(result: SessionResult) {
  if (!result.success) {
    throw new Error(result.error);
  }
}

/** A field. Whoever posts an action may send anything for its form, also an object whose get() is another action. */
function text(form: unknown, name: string): string {
  const value = form instanceof FormData && form.get(name);
  return typeof value === "string" ? value : "";
}

function validName(name: string): boolean {
  return name.length > 0 && name.length <= 80;
}
