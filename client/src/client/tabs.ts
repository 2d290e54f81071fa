"use client";

import { useEffect, useRef } from "react";
import { useRouter } from "next/navigation.js";
import { RETRY } from "./after.js";
import type { Session } from "../types.js";
import { isKnown, sameValue, type State, type Store } from "./store.js";

/**
 * Keeps the tabs of one browser in agreement: each tells the others what it knows. News of the same user is taken over; who is signed in
 * is asked of the API, and when that has changed, Server Components are rendered again.
 */
export function useOtherTabs(store: Store, state: State, path: string) {
  const router = useRouter();
  const channel = useRef<BroadcastChannel>(undefined);
  const adopted = useRef<Session>(undefined);

  useEffect(() => {
    if (!window.BroadcastChannel) return;
    const opened = new BroadcastChannel(`caddy-session-guard ${path}`);
    channel.current = opened;
    opened.onmessage = async function hear(message: MessageEvent<Session | null>) {
      const theirs = message.data;
      const before = store.get();
      const ours = before.session;
      if (sameValue(ours, theirs)) return;
      if (ours && ours.user.id === theirs?.user.id) {
        if ((theirs.lastActivity ?? 0) < (ours.lastActivity ?? 0)) return;
        adopted.current = theirs;
        store.adopt(theirs);
        return;
      }
      // Without an answer the other tab's sign-out would be overlooked.
      if (!(await store.refetch(true))) return setTimeout(() => hear(message), RETRY);
      if (isKnown(before) && store.get().session?.user.id !== ours?.user.id) router.refresh();
    };
    return () => opened.close();
  }, [store, path, router]);

  useEffect(() => {
    const { session } = state;
    if (isKnown(state) && !(session && session === adopted.current)) channel.current?.postMessage(session);
  }, [state]);
}
