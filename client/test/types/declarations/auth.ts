import { NextAuthSession, patterns, returnTo, route, type User } from "caddy-session-guard";

// A package of its own in a monorepo writes declarations, so every type that is inferred here needs a name.

export interface MyUser extends User {
  role: "admin" | "user";
}

export const auth = NextAuthSession<MyUser>({ middleware: { routes: [route.public("/login"), route.auth(patterns.dashboard)] } });
export const { createSession, getSession, updateSession, refreshSession, deleteSession, isAuthenticated, encryptSession, decryptSession } = auth;
export const { isSessionExpired, shouldRefreshSession, middleware, handlers, actions, config, clientConfig } = auth;
export const proxy = middleware();
export const { GET, POST, PATCH, DELETE } = handlers();
export const login = { route, patterns, returnTo };
export default NextAuthSession();
