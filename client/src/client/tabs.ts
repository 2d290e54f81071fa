"use client";

import { useEffect } from "react";
import { RETRY } from "./after.js";
import type { Session } from "../types.js";
import { isKnown, isOlder, sameValue, type Store } from "./store.js";

/**
 * Keeps the tabs of one browser in agreement: each tells the others what it knows. News of the same session is taken over; who is
 * signed in is asked of the API.
 */
export function useOtherTabs(store: Store) {
  useEffect(() => {
    let channel: BroadcastChannel;
    try {
      channel = new BroadcastChannel(`caddy-session-guard ${store.path}`);
    } catch {
      return; // the browser has none, or forbids it as it forbids cookies
    }
    let shared: Session | null | undefined; // what this tab has told or taken over
    let question: MessageEvent<Session | null> | undefined; // the newest message that the API's answer must settle
    function tell() {
      const state = store.get();
      if (!isKnown(state) || store.checking() || shared === state.session) return;
      question = undefined;
      channel.postMessage((shared = state.session));
    }
    channel.onmessage = async function hear(message: MessageEvent<Session | null>) {
      const theirs = message.data;
      const ours = store.get().session;
      // Many tabs may say at once what this one asks about already.
      if (sameValue(ours, theirs) || (question !== message && sameValue(question?.data, theirs))) return;
      // A session is known by when it was created. One that is not newer may be the cookie's nevertheless.
      if (ours?.createdAt === theirs?.createdAt && isOlder(ours, theirs)) return store.adopt((shared = theirs!));
      question = message;
      shared = undefined; // one of the two tabs is wrong, so the answer is told even if it is what this one knew
      // Without an answer the other tab's sign-out would be overlooked.
      if (!(await store.look())) setTimeout(() => question === message && hear(message), RETRY);
    };
    tell();
    const unsubscribe = store.subscribe(tell);
    return () => {
      unsubscribe();
      channel.close();
      question = undefined;
    };
  }, [store]);
}
