"use client";

import { useEffect } from "react";
import type { Session } from "../types.js";
import type { Store } from "./store.js";

const EVENTS = ["mousemove", "mousedown", "click", "keydown", "touchstart", "scroll", "wheel"];

/** After a refresh that failed, activity tries again this many milliseconds later. */
const RETRY = 30_000;

/** Refreshes the session while somebody uses the page: one request for many events, never more often than `interval`. */
export function useActivityRefresh(store: Store, enabled: boolean, interval?: number) {
  useEffect(() => {
    if (!enabled) return;
    let refreshed = 0; // by this tab's clock, which may differ from the server's
    let notBefore = 0;
    let seen: Session | undefined;
    let seenAt = 0;
    async function onActivity() {
      const { session } = store.get();
      const now = Date.now();
      if (!session || now < notBefore) return;
      if (session !== seen) [seen, seenAt] = [session, now];
      const last = Math.max(refreshed, Math.min(session.lastActivity ?? session.createdAt, seenAt));
      if (now - last < (interval! > 0 ? interval! : defaultInterval(session, store.threshold()))) return;
      notBefore = now + RETRY;
      const { success } = await store.refresh();
      if (!success) return;
      refreshed = Date.now();
      notBefore = 0;
    }
    return listen(EVENTS, onActivity);
  }, [store, enabled, interval]);
}

/** The API's refresh threshold (in seconds) or half the session's lifetime, whichever is less. */
function defaultInterval(session: Session, threshold?: number) {
  const lifetime = session.expiresAt - (session.lastActivity ?? session.createdAt);
  // The floor ends the halving of a session that cannot be prolonged any more.
  return Math.max(Math.min((threshold || Infinity) * 1000, lifetime / 2), 1000);
}

/** Listens to events of the window. Returns how to end it. */
export function listen(events: string[], listener: (event: Event) => void): () => void {
  const options = { capture: true, passive: true };
  for (const event of events) window.addEventListener(event, listener, options);
  return () => {
    for (const event of events) window.removeEventListener(event, listener, options);
  };
}
