/** What a facility's signals are at a time, and when one of them next changes. */
import { StepTrace } from '../numbers/step-trace.ts';
import type { FacilityModel, SignalName } from './facility-model.ts';

/** Made once per twin and shared by its forks. */
export class FacilityRates {
  readonly #model: FacilityModel;
  readonly #traces: ReadonlyMap<SignalName, StepTrace>;

  constructor(model: FacilityModel) {
    this.#model = model;
    this.#traces = new Map(
      Object.entries(model.signals).map(([name, { timestampMs, values, endMs, outside }]) => [
        name as SignalName,
        new StepTrace(timestampMs, values, { endMs, outside }),
      ]),
    );
  }

  /** The signal's value at a time, ms; `undefined` where the facility has none of that name. */
  at(name: SignalName, timeMs: number): number | undefined {
    return this.#traces.get(name)?.at(timeMs);
  }

  /** Power at the wall for each W of the hosts, without the fixed part. */
  wallFactor(timeMs: number): number {
    const { pue, coolingPerK, coolingAboveC } = this.#model;
    const outsideC = this.at('outside', timeMs);
    if (outsideC === undefined || outsideC <= coolingAboveC) return pue;
    return pue + coolingPerK * (outsideC - coolingAboveC);
  }

  /** When the next value of any signal begins, ms; Infinity when none ever does. */
  nextChangeMs(timeMs: number): number {
    let nextMs = Infinity;
    for (const trace of this.#traces.values()) {
      // A trace of one value begins again without changing.
      if (trace.values.length > 1) nextMs = Math.min(nextMs, trace.nextChangeMs(timeMs));
    }
    return nextMs;
  }
}
