"use client";

export { SessionProvider, type SessionProviderProps } from "./provider.js";
export { useRequireAuth, useSession, useSessionExpiry, useUser, type SessionExpiry, type UseSession } from "./hooks.js";
export type { Session, SessionResult, User, UserUpdate } from "../types.js";
