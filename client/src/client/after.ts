/** Milliseconds between questions that the session API has not answered yet. */
export const RETRY = 5000;

/** The longest that one timer of a browser can wait for: 24.8 days. */
const LONGEST = 2 ** 31 - 1;

/** Calls back when `milliseconds` have passed, and every `next` milliseconds then, if that lies ahead and is finite. Returns how to cancel it. */
export function after(milliseconds: number, callback: () => void, next = 0): () => void {
  let timer: ReturnType<typeof setTimeout>;
  (function wait(time: number) {
    if (!(time > 0 && time < Infinity)) return;
    const rest = time - LONGEST;
    timer = setTimeout(() => (rest > 0 ? wait(rest) : (callback(), wait(next))), Math.min(time, LONGEST));
  })(milliseconds);
  return () => clearTimeout(timer);
}
