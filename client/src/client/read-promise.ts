import * as React from "react";

/** `read` is there once the promise has settled. */
type Tracked<T> = PromiseLike<T> & { read?: () => T };

// React 18.2 has no `use`. The copy keeps bundlers from looking for the missing export.
const { use } = { ...React } as { use?: <T>(promise: PromiseLike<T>) => T };

/** Reads a promise while rendering: suspends until it has settled, throws what it was rejected with. */
export const readPromise: <T>(promise: PromiseLike<T>) => T = use ?? readTracked;

/** What `use` does, for a React without it: the promise is thrown to the nearest Suspense boundary until it has settled. */
export function readTracked<T>(promise: Tracked<T>): T {
  if (promise.read) return promise.read();
  promise.then(
    (value) => {
      promise.read = () => value;
    },
    (reason: unknown) => {
      promise.read = () => {
        throw reason;
      };
    },
  );
  throw promise;
}
