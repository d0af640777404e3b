/** The one place of the page that knows what time it is. */

/** Wall-clock time of the browser, ms since 1970. */
export const nowMs = (): number => Date.now();

/** Calls once after `ms`. @returns What calls it off. */
export function after(ms: number, then: () => void): () => void {
  const timer = setTimeout(then, ms);
  return () => clearTimeout(timer);
}

/** Calls every `ms`, for as long as the page is open. */
export function every(ms: number, then: () => void): void {
  setInterval(then, ms);
}
