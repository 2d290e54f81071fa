import { NextAuthSession, route, patterns } from "caddy-session-guard";

export const {
  // Session operations
  createSession,
  getSession,
  updateSession,
  refreshSession,
  deleteSession,
  isAuthenticated,
  // Utilities
  encryptSession,
  decryptSession,
  isSessionExpired,
  shouldRefreshSession,
  // Middleware & Handlers
  middleware,
  handlers,
  // Server Actions - use with client components
  actions,
  // Config
  config,
  clientConfig,
} = NextAuthSession({
  session: {
    sessionExpiry: 60 * 60 * 24, // 1 day in seconds
    cookieName: "session",
    autoRefresh: true,
  },
  middleware: {
    routes: [
      route.public("/login"),
      route.public("/register"),
      route.auth(patterns.dashboard), // /dashboard/*
      route.hybrid("/"),
    ],
    loginPath: "/login",
    homePath: "/",
  },
});
