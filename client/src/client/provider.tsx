"use client";

import { Suspense, useEffect, useRef, useState, type ReactNode } from "react";
import { usePathname, useRouter } from "next/navigation.js";
import type { Session, User } from "../types.js";
import { listen, useActivityRefresh } from "./activity.js";
import { after, RETRY } from "./after.js";
import { StoreContext, useStateOf } from "./context.js";
import { createStore, isKnown, isOlder, sameValue, type Store } from "./store.js";
import { useOtherTabs } from "./tabs.js";

export interface SessionProviderProps<T extends User = User> {
  children?: ReactNode;
  /**
   * The session that the server knows, or a promise of it: then the hooks suspend until it has settled. A changed value replaces the
   * present session; if that was newer, the session API is called. Undefined, as on a page of the Pages Router that passes none, says nothing and
   * changes nothing. Default: undefined.
   */
  initialSession?: Session<T> | null | undefined | PromiseLike<Session<T> | null>;
  /** Calls the session API when the provider mounts. When false, no `initialSession` means "unauthenticated". Default: true. */
  fetchOnMount?: boolean | undefined;
  /** Refreshes the session this often, in milliseconds, while the tab is visible. Default: never, and so are 0 and Infinity. */
  refreshInterval?: number | undefined;
  /** Calls the session API again when the path changes. Default: true. */
  refetchOnPathChange?: boolean | undefined;
  /** Refreshes the session while somebody uses mouse, keyboard, touch or scrolling. Default: true. */
  autoActivityRefresh?: boolean | undefined;
  /** Milliseconds between refreshes by activity. Default: the API's refresh threshold or half the session's lifetime, whichever is less. */
  activityRefreshInterval?: number | undefined;
  /** Called when the session's value has changed; with null after a sign-out. */
  onSessionChange?: ((session: Session<T> | null) => void) | undefined;
  /** Path of the session API as the browser sees it, Next.js's own `basePath` included. A changed path is called at once. Default: "/api/session". */
  basePath?: string | undefined;
}

/** Gives the session to the hooks below it and keeps it current: fetches, refreshes, and follows the browser's other tabs. */
export function SessionProvider<T extends User = User>({
  children,
  initialSession: initial,
  fetchOnMount = true,
  refreshInterval,
  refetchOnPathChange = true,
  autoActivityRefresh = true,
  activityRefreshInterval,
  onSessionChange,
  basePath = "/api/session",
}: SessionProviderProps<T>) {
  const [[held, replaced], setHeld] = useState<[Store, Store?]>(() => [createStore(basePath, initial, fetchOnMount)]);
  let store = held;
  const moved = held.path !== basePath;
  // Without a word of the server, as on a page of the Pages Router that passes no session, what is known stays.
  if (moved || (initial !== undefined && held.initial !== initial && (held.promise || !sameValue(held.initial, initial)))) {
    store = createStore(basePath, initial, moved, held.threshold());
    setHeld([store, held]);
  }
  const state = useStateOf(store);

  useEffect(() => {
    if (store.fetching) void store.refetch();
    // What the replaced store has under way changes the session that this one holds.
    replaced?.subscribe(() => void store.refetch(true));
    // What the server rendered before the session changed may arrive after that.
    function askIfOlder() {
      if (isOlder(store.get().session, replaced?.get().session)) void store.refetch(true);
    }
    askIfOlder();
    store.promise?.then(
      (value) => {
        store.settle(value);
        askIfOlder();
        store.notify();
      },
      () => {}, // the hooks throw it where an error boundary shows it
    );
  }, [store, replaced]);

  // A page out of the back/forward cache shows who was signed in when it was left.
  useEffect(() => listen(["pageshow"], (event) => void ((event as PageTransitionEvent).persisted && store.refetch(true))), [store]);

  useEffect(() => {
    const refresh = () => void (!document.hidden && store.get().session && store.refresh());
    return after(refreshInterval!, refresh, refreshInterval);
  }, [store, refreshInterval]);

  // Without an answer nobody is signed out: ask again, unless the answer is only slow. And the server decides whether the session has really ended,
  // by its own clock: ours may be ahead, and there may be no network now. The question is no use of a session that is still alive, or an idle tab would
  // keep it so. A session that is over by ours when it comes has told us nothing new.
  // Ours may be behind, too: it is not earlier than the session's last activity.
  const loading = state.status === "loading";
  const expiresAt = state.session?.expiresAt ?? 0;
  const active = state.session?.lastActivity ?? 0;
  useEffect(
    () => after(loading ? RETRY : expiresAt - Math.max(Date.now(), active) + 500, () => void (loading ? store.refetch() : store.look()), loading ? RETRY : 30_000),
    [store, loading, expiresAt, active],
  );

  useActivityRefresh(store, autoActivityRefresh, activityRefreshInterval);
  useOtherTabs(store);

  const router = useRouter();
  const known = useRef({ store, state });
  useEffect(() => {
    const before = known.current;
    const { session } = state;
    if (!isKnown(state)) return;
    known.current = { store, state };
    if (before.state.status !== "pending" && !sameValue(before.state.session, session)) {
      onSessionChange?.(session as Session<T> | null);
    }
    // Server Components are rendered again when somebody else is signed in, or nobody any more. What a new store begins with is what they know. Later,
    // since a router.push() behind `await refresh()` would discard it, and the guard may redirect the page that is left then.
    if (before.store === store && isKnown(before.state) && before.state.session?.user.id !== session?.user.id) setTimeout(() => router.refresh());
  });

  return (
    <StoreContext.Provider value={store}>
      {refetchOnPathChange && (
        <Suspense>
          <RefetchOnPathChange store={store} />
        </Suspense>
      )}
      {children}
    </StoreContext.Provider>
  );
}

/** A component of its own: with cacheComponents, reading the path of a dynamic route waits for the request, and the page must not. */
function RefetchOnPathChange({ store }: { store: Store }) {
  const pathname = usePathname();
  const path = useRef(pathname);
  useEffect(() => {
    if (path.current === pathname) return;
    path.current = pathname;
    void store.refetch(true);
  }, [store, pathname]);
  return null;
}
