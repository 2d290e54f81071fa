"use client";

import { useEffect } from "react";
import type { Session } from "../types.js";
import type { Store } from "./store.js";

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
    return listen(["mousemove", "mousedown", "click", "keydown", "touchstart", "scroll", "wheel"], async () => {
      const { session } = store.get();
      const now = Date.now();
      if (!session || now < notBefore) return;
      if (session !== seen) {
        seen = session;
        seenAt = now;
      }
      const active = session.lastActivity ?? session.createdAt;
      // By default the API's refresh threshold or half the lifetime. The floor ends the halving of a session that cannot be prolonged any more.
      const pause = interval! > 0 ? interval! : Math.max(Math.min((store.threshold() || Infinity) * 1000, (session.expiresAt - active) / 2), 1000);
      if (now - Math.max(refreshed, Math.min(active, seenAt)) < pause) return;
      notBefore = now + RETRY;
      if ((await store.refresh()).success) {
        refreshed = Date.now();
        notBefore = 0;
      }
    });
  }, [store, enabled, interval]);
}

/** Listens to events of the window. Returns how to end it. */
export function listen(events: string[], listener: (event: Event) => void): () => void {
  const change = (method: "addEventListener" | "removeEventListener") =>
    events.forEach((event) => window[method](event, listener, { capture: true, passive: true }));
  change("addEventListener");
  return () => change("removeEventListener");
}
