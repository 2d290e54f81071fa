"use client";

import { useCallback, useEffect, useReducer } from "react";
import { usePathname, useRouter } from "next/navigation.js";
import type { Session, SessionResult, User, UserUpdate } from "../types.js";
import { after } from "./after.js";
import { useStore } from "./context.js";

interface SessionActions<T extends User> {
  /** Moves the session's expiry forward. */
  refresh: () => Promise<SessionResult<T>>;
  /** Replaces the named top-level user fields; null removes one. Caddy allows the fields of `client_update`. */
  update: (updates?: { user?: UserUpdate<T> | undefined }) => Promise<SessionResult<T>>;
  /** Signs out, then renders the Server Components again. */
  logout: () => Promise<SessionResult<T>>;
}

/** What `useSession` returns; `status` tells which fields are there. */
export type UseSession<T extends User = User> = SessionActions<T> &
  (
    | { status: "loading"; session: null }
    | { status: "authenticated"; session: Session<T> }
    | { status: "unauthenticated"; session: null }
  );

/** The session, its status, and what can be done with it. */
export function useSession<T extends User = User>(): UseSession<T> {
  const { store, state } = useStore();
  const router = useRouter();
  // refresh and logout take no argument, so that `onClick={logout}` works.
  const { refresh, update } = store;
  const logout = useCallback(async () => {
    const { session } = store.get(); // else its end is seen
    const result = await store.logout();
    if (result.success && !session) router.refresh();
    return result;
  }, [store, router]);
  return { ...state, refresh, update, logout } as UseSession<T>;
}

/** The user, for components that need no more. */
export function useUser<T extends User = User>(): { user: T | null; isAuthenticated: boolean; isLoading: boolean } {
  const { state } = useStore();
  return {
    user: (state.session?.user as T | undefined) ?? null,
    isAuthenticated: !!state.session,
    isLoading: state.status === "loading",
  };
}

const HOUR = 3_600_000; // milliseconds

/** When the session ends. */
export interface SessionExpiry {
  /** Milliseconds since the epoch; null without a session. */
  expiresAt: number | null;
  /** Milliseconds left, 0 when it is over; null without a session and until the component has mounted. */
  expiresIn: number | null;
  /** True when at most one hour is known to be left. */
  isExpiringSoon: boolean;
  /** Computes the values again, for a countdown. They also change by themselves when the last hour begins and when the session ends. */
  recalculate: () => void;
}

/** Returns when the session ends. Server and first client render agree, since the time left is not known before the component mounts. */
export function useSessionExpiry(): SessionExpiry {
  const { state } = useStore();
  const [now, recalculate] = useReducer((): number | null => Date.now(), null);
  const expiresAt = state.session?.expiresAt ?? null;
  useEffect(() => {
    recalculate();
    const left = expiresAt! - Date.now();
    const cancelSoon = after(left - HOUR, recalculate);
    const cancelEnd = after(left, recalculate);
    return () => {
      cancelSoon();
      cancelEnd();
    };
  }, [expiresAt, recalculate]);
  const expiresIn = expiresAt && now && Math.max(expiresAt - now, 0);
  return { expiresAt, expiresIn, isExpiringSoon: expiresIn !== null && expiresIn <= HOUR, recalculate };
}

/**
 * Sends a visitor who is not signed in to `path`, with the wanted page as `return_to`. It keeps a client component from showing nothing;
 * what must stay secret is protected by the `auth` rule in Caddy.
 */
export function useRequireAuth(path = "/login"): { isLoading: boolean; isAuthenticated: boolean } {
  const { isLoading, isAuthenticated } = useUser();
  const router = useRouter();
  const pathname = usePathname();
  useEffect(() => {
    const [, page, query, fragment] = /^([^?#]*)([^#]*)(.*)/s.exec(path)!;
    if (isLoading || isAuthenticated) return;
    // The login page itself, with and without the slash that Next.js's trailingSlash adds.
    if (pathname + "/" === page || pathname === page || pathname === page + "/") return;
    // The address bar knows Next.js's basePath, the router does not.
    router.replace(`${page}${query ? `${query}&` : "?"}return_to=${encodeURIComponent(location.pathname + location.search)}${fragment}`);
  }, [isLoading, isAuthenticated, path, pathname, router]);
  return { isLoading, isAuthenticated };
}
