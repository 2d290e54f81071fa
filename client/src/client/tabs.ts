"use client";

import { useEffect, useRef } from "react";
import { RETRY } from "./after.js";
import type { Session } from "../types.js";
import { isKnown, isOlder, sameValue, type State, type Store } from "./store.js";

/** Says that what another tab has told is not true. That one then asks, too, and says no more. */
const UNTRUE = 0;

/**
 * Keeps the tabs of one browser in agreement: each tells the others what it knows. News of the same session is taken over; who is
 * signed in is asked of the API.
 */
export function useOtherTabs(store: Store, state: State) {
  const channel = useRef<BroadcastChannel>(undefined);
  const adopted = useRef<Session>(undefined);

  useEffect(() => {
    let opened: BroadcastChannel;
    try {
      opened = channel.current = new BroadcastChannel(`caddy-session-guard ${store.path}`);
    } catch {
      return; // the browser has none, or forbids it as it forbids cookies
    }
    let newest: unknown; // of the messages that need an answer
    opened.onmessage = async function hear(message: MessageEvent<Session | null | typeof UNTRUE>) {
      const theirs = message.data;
      const ours = store.get().session;
      if (sameValue(ours, theirs)) return;
      // A session is known by when it was created. Of two changes in one millisecond only the cookie knows the later.
      if (theirs && ours?.createdAt === theirs.createdAt && ours.lastActivity !== theirs.lastActivity) {
        if (isOlder(theirs, ours)) return opened.postMessage(ours);
        adopted.current = theirs;
        return store.adopt(theirs);
      }
      newest = message;
      if (!(await store.refetch(true))) {
        // Without an answer the other tab's sign-out would be overlooked.
        setTimeout(() => newest === message && hear(message), RETRY);
      } else if (theirs !== UNTRUE && newest === message && store.get().session === ours) {
        opened.postMessage(UNTRUE);
      }
    };
    return () => {
      newest = undefined;
      opened.close();
    };
  }, [store]);

  useEffect(() => {
    if (isKnown(state) && state.session !== adopted.current) channel.current?.postMessage(state.session);
  }, [state]);
}
