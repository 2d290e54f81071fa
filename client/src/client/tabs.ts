"use client";

import { useEffect, useRef } from "react";
import { RETRY } from "./after.js";
import type { Session } from "../types.js";
import { isKnown, sameValue, type State, type Store } from "./store.js";

/**
 * Keeps the tabs of one browser in agreement: each tells the others what it knows. News of the same user is taken over; who is
 * signed in is asked of the API.
 */
export function useOtherTabs(store: Store, state: State) {
  const channel = useRef<BroadcastChannel>(undefined);
  const adopted = useRef<Session>(undefined);

  useEffect(() => {
    const opened = (channel.current = openChannel(store.path));
    if (!opened) return;
    let newest: unknown; // of the messages that need an answer
    opened.onmessage = async function hear(message: MessageEvent<Session | null>) {
      const theirs = message.data;
      const ours = store.get().session;
      if (sameValue(ours, theirs)) return;
      if (ours && ours.user.id === theirs?.user.id) {
        if ((theirs.lastActivity ?? 0) < (ours.lastActivity ?? 0)) return;
        adopted.current = theirs;
        store.adopt(theirs);
        return;
      }
      newest = message;
      if (!(await store.refetch(true))) {
        // Without an answer the other tab's sign-out would be overlooked.
        setTimeout(() => newest === message && hear(message), RETRY);
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

/** Undefined where the browser has none, or forbids it as it forbids cookies. */
function openChannel(path: string): BroadcastChannel | undefined {
  try {
    return new BroadcastChannel(`caddy-session-guard ${path}`);
  } catch {
    return undefined;
  }
}
