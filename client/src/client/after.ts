/** Milliseconds between questions that the session API has not answered yet. */
export const RETRY = 5000;

/**
 * Calls back when `milliseconds` have passed, and every `next` milliseconds then, if that lies ahead and within what a timer can wait for (24.8 days).
 * Returns how to cancel it.
 */
export function after(milliseconds: number, callback: () => void, next = 0): () => void {
  let timer: ReturnType<typeof setTimeout>;
  (function wait(time: number) {
    if (time > 0 && time < 2 ** 31) timer = setTimeout(() => (callback(), wait(next)), time);
  })(milliseconds);
  return () => clearTimeout(timer);
}
