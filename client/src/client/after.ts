/**
 * Calls back when `milliseconds` have passed, or with `setInterval` again and again, if they lie ahead and within what a timer can wait for (24.8 days).
 * Returns how to cancel it.
 */
export function after(milliseconds: number, callback: () => void, set: typeof setTimeout | typeof setInterval = setTimeout): () => void {
  const timer = milliseconds > 0 && milliseconds < 2 ** 31 ? set(callback, milliseconds) : undefined;
  return () => clearTimeout(timer); // which ends intervals too
}
