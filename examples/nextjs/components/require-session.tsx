"use client";

import { useRequireAuth } from "caddy-session-guard/client";

/** Leaves the page when the session ends while it is open. Caddy has checked the session before the page was sent. */
export function RequireSession({ loginPath }: { loginPath: string }) {
  useRequireAuth(loginPath);
  return null;
}
