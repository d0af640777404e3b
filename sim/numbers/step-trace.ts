/**
 * A quantity over time that holds each value until the next one: carbon intensity, price, outdoor
 * temperature.
 *
 * Values and integrals are looked up by bisection. The integral over a span is the difference of two
 * running sums plus what the span's ends cut off; its error is that of float64 sums, at most some
 * 1e-13 of Σ |value| × time before the span's end.
 */
import { assert } from '../errors.ts';

/**
 * What holds before the first value and after the last step: the nearest value, or the whole trace
 * again and again.
 */
export type OutsideRule = 'clamp' | 'wrap';

export interface StepTraceOptions {
  /** Default `clamp`. */
  readonly outside?: OutsideRule;
  /** When the last value ends, ms; default as long after it as it is after the one before. */
  readonly endMs?: number;
}

/** A right-continuous step function of time. */
export class StepTrace {
  /** When each value begins, ms, rising, [values]. */
  readonly timestampMs: Float64Array;
  readonly values: Float64Array;
  /** When the last value ends, ms; matters when the trace wraps. */
  readonly endMs: number;
  readonly outside: OutsideRule;
  /** Integral from the start to each value's beginning, value × ms, [values]. */
  readonly #before: Float64Array;

  /**
   * @param timestampMs Finite, rising; taken over, not copied.
   * @param values Finite, as many; taken over, not copied.
   * @throws InvariantError otherwise, or when `endMs` is not after the last value's beginning.
   */
  constructor(timestampMs: Float64Array, values: Float64Array, options: StepTraceOptions = {}) {
    const count = timestampMs.length;
    assert(count > 0 && values.length === count, () => `${count} times, ${values.length} values`);
    const last = timestampMs[count - 1]!;
    const stepMs = count > 1 ? last - timestampMs[count - 2]! : 1;
    this.endMs = options.endMs ?? last + stepMs;
    this.outside = options.outside ?? 'clamp';
    this.timestampMs = timestampMs;
    this.values = values;
    assert(this.endMs > last && this.endMs < Infinity, () => `end ${this.endMs}, last ${last}`);
    this.#before = new Float64Array(count);
    for (let index = 0; index < count; index++) {
      const time = timestampMs[index]!;
      const value = values[index]!;
      assert(Number.isFinite(time) && Number.isFinite(value), () => `${value} at ${time} ms`);
      if (index === 0) continue;
      const previous = timestampMs[index - 1]!;
      assert(time > previous, () => `time ${time} after ${previous}`);
      this.#before[index] = this.#before[index - 1]! + values[index - 1]! * (time - previous);
    }
  }

  /** When the first value begins, ms. */
  get startMs(): number {
    return this.timestampMs[0]!;
  }

  /** The value at a time, ms. */
  at(timeMs: number): number {
    const time = this.outside === 'wrap' ? this.#wrapped(timeMs).timeMs : timeMs;
    return this.values[Math.max(0, this.#indexAt(time))]!;
  }

  /** ∫ value dt over [fromMs, toMs], value × ms; negative when `toMs` is before `fromMs`. */
  integral(fromMs: number, toMs: number): number {
    if (this.outside === 'clamp') return this.#until(toMs) - this.#until(fromMs);
    const from = this.#wrapped(fromMs);
    const to = this.#wrapped(toMs);
    const whole = (to.rounds - from.rounds) * this.#until(this.endMs);
    return whole + (this.#until(to.timeMs) - this.#until(from.timeMs));
  }

  /** Time-weighted mean over [fromMs, toMs]; the value there when the span is empty. */
  mean(fromMs: number, toMs: number): number {
    return toMs > fromMs ? this.integral(fromMs, toMs) / (toMs - fromMs) : this.at(fromMs);
  }

  /** When the value next begins anew after `timeMs`, ms; Infinity when it never does again. */
  nextChangeMs(timeMs: number): number {
    if (this.outside === 'clamp') {
      const next = this.#indexAt(timeMs) + 1;
      // The first value holds before its beginning, too.
      return this.timestampMs[Math.max(1, next)] ?? Number.POSITIVE_INFINITY;
    }
    const { timeMs: inside, rounds } = this.#wrapped(timeMs);
    const next = this.timestampMs[this.#indexAt(inside) + 1] ?? this.endMs;
    return next + rounds * (this.endMs - this.startMs);
  }

  /** ∫ from the trace's start to `timeMs`, the ends' values holding beyond. */
  #until(timeMs: number): number {
    const index = Math.max(0, this.#indexAt(timeMs));
    return this.#before[index]! + this.values[index]! * (timeMs - this.timestampMs[index]!);
  }

  /** Last value that begins at or before `timeMs`; −1 before the first. */
  #indexAt(timeMs: number): number {
    let low = 0;
    let high = this.timestampMs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timestampMs[middle]! <= timeMs) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The time within the trace, and how many times it has gone round before. */
  #wrapped(timeMs: number): { readonly timeMs: number; readonly rounds: number } {
    const periodMs = this.endMs - this.startMs;
    const rounds = Math.floor((timeMs - this.startMs) / periodMs);
    const inside = timeMs - rounds * periodMs;
    // Rounding may lead just outside.
    return { timeMs: Math.min(Math.max(inside, this.startMs), this.endMs), rounds };
  }
}
