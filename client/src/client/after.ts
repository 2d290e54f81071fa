/** Calls back when `milliseconds` have passed, if they lie ahead and within what a timer can wait for (24.8 days). Returns how to cancel it. */
export function after(milliseconds: number, callback: () => void): () => void {
  const timer = milliseconds > 0 && milliseconds < 2 ** 31 ? setTimeout(callback, milliseconds) : undefined;
  return () => clearTimeout(timer);
}
