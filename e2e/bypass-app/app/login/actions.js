"use server";

import { redirect } from "next/navigation";

// A public action with a target that the client chooses. Next.js renders the target ahead, by
// fetching it from itself around any proxy, and puts it into the answer.
export async function go(form) {
  redirect(String(form.get("next") || "/dashboard"));
}

export async function ping(name) {
  return `PUBLIC-MARK-action-login pong ${name}`;
}

// Awaits what a method of its argument returns, and so calls whatever action stands there.
export async function submit(form) {
  return `PUBLIC-MARK-action-login submitted ${await form.get("name")}`;
}
