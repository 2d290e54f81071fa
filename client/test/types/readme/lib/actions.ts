"use server";
import { actions } from "@/lib/auth";

export async function refreshAction() {
  return actions.refresh();
}
export async function logoutAction() {
  return actions.logout();
}
export async function updateAction(updates: { name?: string }) {
  return actions.update({ user: updates });
}
