import { SessionProvider, useRequireAuth, useSession, useSessionExpiry, useUser } from "caddy-session-guard/client";
import type { MyUser } from "./auth.js";

export const Provider = SessionProvider;
export const useMySession = () => useSession<MyUser>();
export const useMe = () => useUser<MyUser>();
export const useExpiry = () => useSessionExpiry();
export const useLogin = () => useRequireAuth();

export function useActions() {
  const { refresh, update, logout, ...state } = useSession<MyUser>();
  return { refresh, update, logout, state };
}
