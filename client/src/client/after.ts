/** Milliseconds between questions that the session API has not answered yet. */
export const RETRY = 5000;

/** Timers stand still while a computer sleeps, so none waits for longer than this without a look at the clock. */
const LONGEST = 30_000;

/** Calls back when `milliseconds` have passed, and every `next` milliseconds then, if that lies ahead and is finite. Returns how to cancel it. */
export function after(milliseconds: number, callback: () => void, next = 0): () => void {
  let timer: ReturnType<typeof setTimeout>;
  (function wait(time: number) {
    if (!(time > 0 && time < Infinity)) return;
    const since = Date.now();
    timer = setTimeout(() => {
      const rest = time - Math.max(Date.now() - since, LONGEST);
      if (rest > 0) return wait(rest);
      callback();
      wait(next);
    }, Math.min(time, LONGEST));
  })(milliseconds);
  return () => clearTimeout(timer);
}
