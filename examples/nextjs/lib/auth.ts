import { NextAuthSession, route, type Session, type User } from "caddy-session-guard";

/** Who signs in. */
export interface AppUser extends User {
  name: string;
  email: string;
  role: "admin" | "member";
  /** What somebody is doing, in their own words. */
  status?: string;
}

export type AppSession = Session<AppUser>;

/**
 * Caddy seals the sessions and enforces the rules. These settings say the same as the Caddyfile:
 * `npx caddy-session-guard caddyfile lib/auth.ts --check Caddyfile` fails when the two differ.
 */
export const { createSession, getSession, updateSession, deleteSession, clientConfig } = NextAuthSession<AppUser>({
  session: {
    sessionExpiry: 2 * 60 * 60,
    refreshThreshold: 90 * 60,
    clientUpdate: ["name", "status"],
  },
  middleware: {
    routes: [
      route.public("/login"),
      route.public("/register"),
      route.public("/api/sign-in"),
      route.auth("/dashboard/admin/*"),
      route.auth("/dashboard/*"),
      route.hybrid("/"),
    ],
    homePath: "/dashboard",
    locales: ["en", "ar"],
  },
});
