"use client";

import { useEffect, useRef } from "react";
import { useRouter } from "next/navigation.js";
import { isKnown, type State, type Store } from "./store.js";

/** Renders the Server Components again when somebody else is signed in, or nobody any more. What a new store begins with is what they know. */
export function useServerComponents(store: Store, state: State) {
  const router = useRouter();
  const known = useRef<{ store: Store; id: string | undefined }>(undefined);
  useEffect(() => {
    if (!isKnown(state)) return;
    const before = known.current;
    const id = state.session?.user.id;
    known.current = { store, id };
    if (before?.store !== store || before.id === id) return;
    // After a sign-in later, since a router.push() behind `await refresh()` would discard it, and the guard may redirect the page that is left then.
    if (id) setTimeout(() => router.refresh());
    else router.refresh();
  }, [store, state, router]);
}
