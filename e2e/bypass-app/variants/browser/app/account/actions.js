"use server";

// Checks nothing itself: that it does not run for anybody else is Caddy's work. Where it counts is
// shared by the bundles of a page and of a Route Handler.
export async function rename() {
  globalThis.renames = (globalThis.renames ?? 0) + 1;
  return `renamed ${globalThis.renames}`;
}
