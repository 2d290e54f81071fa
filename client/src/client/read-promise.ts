import * as React from "react";

type Tracked<T> = PromiseLike<T> & { status?: string; value?: T; reason?: unknown };

// React 18.2 has no `use`. The copy keeps bundlers from looking for the missing export.
const { use } = { ...React } as { use?: <T>(promise: PromiseLike<T>) => T };

/** Reads a promise while rendering: suspends until it has settled, throws what it was rejected with. */
export const readPromise: <T>(promise: PromiseLike<T>) => T = use ?? readTracked;

/** What `use` does, for a React without it: the promise is thrown to the nearest Suspense boundary until it has settled. */
export function readTracked<T>(promise: Tracked<T>): T {
  if (promise.status === "fulfilled") return promise.value as T;
  if (promise.status === "rejected") throw promise.reason;
  if (promise.status === undefined) {
    promise.status = "pending";
    promise.then(
      (value) => {
        promise.status = "fulfilled";
        promise.value = value;
      },
      (reason: unknown) => {
        promise.status = "rejected";
        promise.reason = reason;
      },
    );
  }
  throw promise;
}
