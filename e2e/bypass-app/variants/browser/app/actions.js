"use server";

import { redirect } from "next/navigation";
import { returnTo } from "caddy-session-guard";
import { createSession, deleteSession } from "../lib/auth";

export async function signIn(form) {
  await createSession({ id: "7", name: String(form.get("name")) }, { accessToken: "TOKEN-MARK-access", refreshToken: "TOKEN-MARK-refresh" });
  redirect(returnTo(form.get("return_to"), "/account"));
}

export async function signOut() {
  await deleteSession();
  redirect("/start");
}
