/**
 * The power of one host, learned while it works.
 *
 * Idea: CMOS power grows with load and with V²f, and V with f, so a power of the frequency stands for
 * both. Which power, and whether idling gets cheaper at low frequencies too, the host itself tells.
 *
 *   W = a + d · φ^γ + c · u · φ^γ,   φ = f / f_max,   a, c, d ≥ 0
 *
 * Coefficients by robust relative least squares over the newest 180 samples, whose weight halves every
 * 60 samples, and two samples of what was believed before (idle and full at f_max): they decide
 * where nothing was seen, and hardly count where much was. γ from {1, 1.5, 2, 2.5, 3} and d = 0 or not
 * by the error on left-out quarters of time; without two frequencies γ stays 2 and d = 0.
 *
 * Not in it: temperature, C-state depth, a curve in u. Known error: `docs/live-twin.md`.
 */
import { z } from 'zod';
import { assert, type Design, median, predictRow, robustFit } from '../../sim/index.ts';

/** What a host is believed to draw at its fastest frequency. */
export interface PowerPrior {
  readonly idleW: number;
  readonly fullW: number;
  /** Nobody said so: it yields to fewer samples. */
  readonly isGuess: boolean;
}

export interface PowerSample {
  /** Busy share of the cores, in [0, 1], and their mean frequency. */
  readonly utilization: number;
  readonly mhz: number;
  readonly watts: number;
  /** In (0, 1]. */
  readonly confidence: number;
}

/** Power at one frequency, as snapshots have it. */
export interface PowerPoint {
  readonly mhz: number;
  readonly idleW: number;
  readonly fullW: number;
}

const storedSample = z.tuple([z.number(), z.number(), z.number(), z.number()]);

export const hostPowerStateSchema = z.strictObject({
  /** Utilization, MHz, W, confidence; oldest first. */
  samples: z.array(storedSample),
  /** Relative errors of predictions, each made before its sample was learned; oldest first. */
  errors: z.array(z.number()),
  gamma: z.number(),
  idlesWithFrequency: z.boolean(),
  sinceChoice: z.number(),
});
export type HostPowerState = z.output<typeof hostPowerStateSchema>;

const samplesMax = 180;
const halfLife = 60;
const errorsMax = 60;
const gammas = [1, 1.5, 2, 2.5, 3] as const;
const usualGamma = 2;
const quarters = 4;
/** Samples between two choices of the form. */
const choiceEvery = 30;
/** Another form has to be better by this much. */
const advantage = 0.02;
const priorWeight = { told: 1, guessed: 0.1 } as const;

interface Form {
  readonly gamma: number;
  readonly idlesWithFrequency: boolean;
}

export class HostPowerCalibrator {
  readonly #fastestMhz: number;
  readonly #prior: PowerPrior;
  readonly #samples: PowerSample[] = [];
  readonly #errors: number[] = [];
  #form: Form = { gamma: usualGamma, idlesWithFrequency: false };
  #sinceChoice = 0;
  #coefficients: Float64Array | undefined;

  /** @param fastestMhz f_max. */
  constructor(fastestMhz: number, prior: PowerPrior) {
    assert(fastestMhz > 0, () => `the fastest frequency is ${fastestMhz} MHz`);
    this.#fastestMhz = fastestMhz;
    this.#prior = prior;
  }

  /** Takes up where another one was. */
  restore(state: HostPowerState): void {
    this.#samples.splice(
      0,
      Infinity,
      ...state.samples.map(([utilization, mhz, watts, confidence]) => {
        return { utilization, mhz, watts, confidence };
      }),
    );
    this.#errors.splice(0, Infinity, ...state.errors);
    this.#form = { gamma: state.gamma, idlesWithFrequency: state.idlesWithFrequency };
    this.#sinceChoice = state.sinceChoice;
    this.#coefficients = undefined;
  }

  /** Plain numbers, for JSON. */
  get state(): HostPowerState {
    return {
      samples: this.#samples.map(({ utilization, mhz, watts, confidence }) => {
        return [utilization, mhz, watts, confidence];
      }),
      errors: this.#errors.slice(),
      ...this.#form,
      sinceChoice: this.#sinceChoice,
    };
  }

  /**
   * Learns from one interval. What cannot be (no power, a load beyond 1, no frequency) is left out.
   *
   * @returns Whether it was used.
   */
  add(sample: PowerSample): boolean {
    const { utilization, mhz, watts, confidence } = sample;
    const isPossible = utilization >= 0 && utilization <= 1 && mhz > 0 && watts > 0;
    if (!isPossible || !(confidence > 0) || !Number.isFinite(watts + mhz)) return false;
    if (this.isCalibrated) {
      push(this.#errors, Math.abs(this.watts(utilization, mhz) - watts) / watts, errorsMax);
    }
    push(this.#samples, sample, samplesMax);
    this.#sinceChoice++;
    this.#coefficients = undefined;
    return true;
  }

  /** Whether it is the host that speaks, not the prior alone. */
  get isCalibrated(): boolean {
    return this.#samples.length > 0;
  }

  /** Mean relative error of the newest predictions; `undefined` before there are any. */
  get recentError(): number | undefined {
    const { length } = this.#errors;
    return length === 0 ? undefined : this.#errors.reduce((sum, one) => sum + one, 0) / length;
  }

  /** Expected power, W. */
  watts(utilization: number, mhz: number): number {
    const { idleW, fullW } = this.at(mhz);
    return idleW + utilization * (fullW - idleW);
  }

  /** Power at a frequency with no load and with all cores busy. */
  at(mhz: number): PowerPoint {
    const [still, busy, idling = 0] = this.#fit();
    const speed = (mhz / this.#fastestMhz) ** this.#form.gamma;
    const idleW = still! + idling * speed;
    return { mhz, idleW, fullW: idleW + busy! * speed };
  }

  /** a, c and, where idling depends on the frequency, d; W. */
  #fit(): Float64Array {
    if (this.#coefficients !== undefined) return this.#coefficients;
    const { idleW, fullW } = this.#prior;
    if (!this.isCalibrated) {
      this.#coefficients = Float64Array.of(idleW, Math.max(0, fullW - idleW));
      return this.#coefficients;
    }
    if (this.#sinceChoice >= choiceEvery && this.#variesInFrequency()) this.#choose();
    this.#coefficients = fitForm(this.#rows(this.#form), this.#form);
    return this.#coefficients;
  }

  #variesInFrequency(): boolean {
    const speeds = this.#samples.map(({ mhz }) => mhz / this.#fastestMhz).sort((a, b) => a - b);
    const at = (share: number): number => speeds[Math.floor(share * (speeds.length - 1))]!;
    return at(0.9) - at(0.1) >= 0.1;
  }

  /** Takes the form with the least error on left-out quarters, the present one unless another is better. */
  #choose(): void {
    this.#sinceChoice = 0;
    let best = this.#form;
    let bestError = this.#leaveOutError(best) * (1 - advantage);
    for (const idlesWithFrequency of [false, true]) {
      for (const gamma of gammas) {
        const form = { gamma, idlesWithFrequency };
        const error = this.#leaveOutError(form);
        if (error >= bestError) continue;
        best = form;
        bestError = error;
      }
    }
    this.#form = best;
  }

  #leaveOutError(form: Form): number {
    const rows = this.#rows(form);
    const count = this.#samples.length;
    const errors: number[] = [];
    for (let quarter = 0; quarter < quarters; quarter++) {
      const without = {
        from: Math.floor((quarter * count) / quarters),
        to: Math.floor(((quarter + 1) * count) / quarters),
      };
      const coefficients = fitForm(rows, form, without);
      for (let row = without.from; row < without.to; row++) {
        const watts = rows.measured[row]!;
        errors.push(Math.abs(predictRow(rows, row, coefficients) - watts) / watts);
      }
    }
    // One meter reading gone wrong says nothing about the form.
    return median(errors);
  }

  /** The samples, then the prior's. */
  #rows({ gamma, idlesWithFrequency }: Form): Rows {
    const { idleW, fullW, isGuess } = this.#prior;
    const mass = isGuess ? priorWeight.guessed : priorWeight.told;
    const columns = idlesWithFrequency ? 3 : 2;
    const features: number[] = [];
    const measured: number[] = [];
    const weights: number[] = [];
    const add = (utilization: number, speed: number, watts: number, weight: number): void => {
      features.push(1, utilization * speed, ...(idlesWithFrequency ? [speed] : []));
      measured.push(watts);
      weights.push(weight);
    };
    const count = this.#samples.length;
    this.#samples.forEach(({ utilization, mhz, watts, confidence }, index) => {
      const recency = 2 ** (-(count - 1 - index) / halfLife);
      add(utilization, (mhz / this.#fastestMhz) ** gamma, watts, confidence * recency);
    });
    add(0, 1, idleW, mass);
    add(1, 1, Math.max(idleW, fullW), mass);
    // Where idling was seen at one frequency only, it is taken to cost the same at all.
    if (idlesWithFrequency) add(0, 0, idleW, mass / 10);
    return {
      columns,
      features: Float64Array.from(features),
      measured: Float64Array.from(measured),
      weights: Float64Array.from(weights),
    };
  }
}

interface Rows extends Design {
  readonly weights: Float64Array;
}

function fitForm(
  rows: Rows,
  { idlesWithFrequency }: Form,
  without?: { readonly from: number; readonly to: number },
): Float64Array {
  const coefficients = robustFit(rows, {
    loss: 'relative-huber',
    weights: rows.weights,
    ...(without === undefined ? {} : { without }),
  });
  assert(coefficients.length === (idlesWithFrequency ? 3 : 2), () => 'a fit of another form');
  return coefficients;
}

function push<Value>(values: Value[], value: Value, most: number): void {
  values.push(value);
  if (values.length > most) values.shift();
}
