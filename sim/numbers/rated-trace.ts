/**
 * What a kWh costs over time, in grams of CO₂ or in money: step functions with their unit in their
 * names.
 */
import { joulesPerKwh } from '../energy-now.ts';
import { StepTrace, type StepTraceOptions } from './step-trace.ts';

const msPerS = 1000;

/** Carbon intensity of electricity. */
export class CarbonTrace {
  readonly steps: StepTrace;

  /**
   * @param timestampMs When each value begins, ms, rising.
   * @param gramsPerKwh gCO₂eq per kWh, from then until the next one.
   * @throws InvariantError when the arrays do not fit each other or times do not rise.
   */
  constructor(
    timestampMs: Float64Array,
    gramsPerKwh: Float64Array,
    options: StepTraceOptions = {},
  ) {
    this.steps = new StepTrace(timestampMs, gramsPerKwh, options);
  }

  /** ms, rising, [values]. */
  get timestampMs(): Float64Array {
    return this.steps.timestampMs;
  }

  /** gCO₂eq/kWh, [values]. */
  get gramsPerKwh(): Float64Array {
    return this.steps.values;
  }

  /** gCO₂eq/kWh at a time, ms. */
  at(timeMs: number): number {
    return this.steps.at(timeMs);
  }

  /** ∫ intensity dt, gCO₂eq/kWh × ms. */
  integral(fromMs: number, toMs: number): number {
    return this.steps.integral(fromMs, toMs);
  }

  /** What a constant power emits in a span, gCO₂eq. */
  grams(powerW: number, fromMs: number, toMs: number): number {
    return (powerW * this.integral(fromMs, toMs)) / (msPerS * joulesPerKwh);
  }
}

/** Price of electricity. */
export class PriceTrace {
  readonly steps: StepTrace;
  /** Currency of the prices, e.g. `EUR`; for people. */
  readonly currency: string;

  /**
   * @param timestampMs When each price begins, ms, rising.
   * @param pricePerKwh Currency units per kWh; may be negative.
   * @throws InvariantError when the arrays do not fit each other or times do not rise.
   */
  constructor(
    timestampMs: Float64Array,
    pricePerKwh: Float64Array,
    options: StepTraceOptions & { readonly currency?: string } = {},
  ) {
    this.steps = new StepTrace(timestampMs, pricePerKwh, options);
    this.currency = options.currency ?? '';
  }

  /** ms, rising, [values]. */
  get timestampMs(): Float64Array {
    return this.steps.timestampMs;
  }

  /** Currency units per kWh, [values]. */
  get pricePerKwh(): Float64Array {
    return this.steps.values;
  }

  /** Currency units per kWh at a time, ms. */
  at(timeMs: number): number {
    return this.steps.at(timeMs);
  }

  /** ∫ price dt, currency units/kWh × ms. */
  integral(fromMs: number, toMs: number): number {
    return this.steps.integral(fromMs, toMs);
  }

  /** What a constant power costs in a span, currency units. */
  cost(powerW: number, fromMs: number, toMs: number): number {
    return (powerW * this.integral(fromMs, toMs)) / (msPerS * joulesPerKwh);
  }
}
