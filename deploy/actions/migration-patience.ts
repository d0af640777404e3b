/** When a migration is to be called off, or helped along. */
import type { JobInfo } from './job-info.ts';

/** A pass that begins with more than this share of the best pass's beginning is no step forward. */
const progressShare = 0.95;

/**
 * Watches what each pass over the memory begins with: that shrinks from pass to pass if a migration
 * gets there, however long one pass takes. The first pass sends everything and tells nothing.
 */
export class Patience {
  readonly #timeoutMs: number;
  readonly #stallMs: number;
  readonly #startMs: number;
  #iteration = 1;
  #bestBytes = Infinity;
  /** Since when passes have begun with no less than an earlier one. */
  #stalledMs: number | undefined;

  constructor(startMs: number, limits: { readonly timeoutMs: number; readonly stallMs: number }) {
    this.#startMs = startMs;
    this.#timeoutMs = limits.timeoutMs;
    this.#stallMs = limits.stallMs;
  }

  /** Why it should not go on like that; `undefined` while it may. */
  lost(nowMs: number, { remainingBytes, iteration = 1 }: JobInfo): string | undefined {
    if (nowMs - this.#startMs >= this.#timeoutMs) {
      return `it was not done within ${this.#timeoutMs / 1000} s`;
    }
    if (remainingBytes !== undefined && iteration > this.#iteration) {
      this.#iteration = iteration;
      if (remainingBytes < progressShare * this.#bestBytes) {
        this.#bestBytes = remainingBytes;
        this.#stalledMs = undefined;
      } else this.#stalledMs ??= nowMs;
    }
    if (this.#stalledMs === undefined || nowMs - this.#stalledMs < this.#stallMs) return undefined;
    const seconds = Math.round((nowMs - this.#stalledMs) / 1000);
    return `it got no closer for ${seconds} s: the guest changes its memory as fast as it is sent`;
  }
}
