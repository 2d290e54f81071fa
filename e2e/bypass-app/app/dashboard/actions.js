"use server";

// Only pages below /dashboard use these actions, yet Next.js runs them at every App Router path.

export async function readReport(name) {
  return `SECRET-MARK-action-dashboard report ${name}`;
}

export async function renameReport(name) {
  return `SECRET-MARK-action-dashboard renamed ${name}`;
}
