"use client";

import { createContext, useContext, useSyncExternalStore } from "react";
import { readPromise } from "./read-promise.js";
import type { State, Store } from "./store.js";

export const StoreContext = createContext<Store | null>(null);

/** The store of the nearest `<SessionProvider>` and what it holds; suspends while `initialSession` is a promise that has not settled. */
export function useStore(): { store: Store; state: State } {
  const store = useContext(StoreContext);
  if (!store) throw new Error("Put a <SessionProvider> above the hooks.");
  if (store.promise) store.settle(readPromise(store.promise));
  return { store, state: useStateOf(store) };
}

/** What the store holds, now and whenever that changes. */
export function useStateOf(store: Store): State {
  return useSyncExternalStore(store.subscribe, store.get, store.rendered);
}
