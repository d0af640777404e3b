/** One frequency domain under a governor: every period, or with the samples left out that may be. */
import type { GovernorRule, GovernorSample } from '../../../sim/index.ts';

/** 1.2 … 2.6 GHz in steps of 100 MHz, fastest first. */
export const xeonMips: readonly number[] = Array.from({ length: 15 }, (_, row) => 2600 - 100 * row);

export function sampleOf(
  mips: readonly number[],
  pstate: number,
  load: number,
  more: Partial<GovernorSample> = {},
): GovernorSample {
  return {
    nowMs: 0,
    elapsedMs: 10,
    load,
    meanLoad: load,
    cores: 4,
    pstate,
    pstates: mips.length,
    coreMips: (row) => mips[row]!,
    ...more,
  };
}

/** From `fromMs` on the domain is asked for `demand`, a fraction of its full speed. */
export interface Step {
  readonly fromMs: number;
  readonly demand: number;
}

export interface History {
  /** Every change of P-state: when, and to what. */
  readonly changes: readonly (readonly [ms: number, pstate: number])[];
  readonly samples: number;
}

interface Domain {
  readonly mips: readonly number[];
  readonly cores: number;
  readonly periodMs: number;
  readonly steps: readonly Step[];
  readonly untilMs: number;
  readonly pstate: number;
}

/** Runs `rule`; with `parks`, samples are left out as `sim/governors/rule.ts` allows. */
export function govern(rule: GovernorRule, domain: Domain, parks: boolean): History {
  const { mips, periodMs, steps, untilMs, cores } = domain;
  const memory = new Float64Array(rule.slots);
  const changes: [number, number][] = [];
  let [pstate, demand, nowMs, step, samples] = [domain.pstate, 0, 0, 0, 0];
  /** ∫ busy dt now, and at the last grid point before now. */
  let [busyMs, gridBusyMs, gridMs] = [0, 0, 0];
  let nextGrid = 1;
  const busy = (): number => Math.min(1, (demand * mips[0]!) / mips[pstate]!);
  const pass = (toMs: number): void => {
    rule.track?.(memory, 0, toMs - nowMs, busy(), mips[pstate]! / mips[0]!);
    const lastGrid = (Math.ceil(toMs / periodMs) - 1) * periodMs;
    if (lastGrid > gridMs || lastGrid === 0) {
      gridMs = Math.max(gridMs, lastGrid);
      if (gridMs >= nowMs) gridBusyMs = busyMs + busy() * (gridMs - nowMs);
    }
    busyMs += busy() * (toMs - nowMs);
    nowMs = toMs;
  };
  const wake = (): void => {
    nextGrid = Math.min(nextGrid, Math.floor(nowMs / periodMs) + 1);
  };
  for (;;) {
    const changeMs = steps[step]?.fromMs ?? Number.POSITIVE_INFINITY;
    const sampleMs = nextGrid * periodMs;
    if (Math.min(changeMs, sampleMs) > untilMs) return { changes, samples };
    if (changeMs <= sampleMs) {
      pass(changeMs);
      // A change at a grid point comes before the sample there.
      if (changeMs < sampleMs && changeMs / periodMs === Math.round(changeMs / periodMs)) {
        nextGrid = Math.min(nextGrid, changeMs / periodMs);
      }
      demand = steps[step++]!.demand;
      wake();
      continue;
    }
    pass(sampleMs);
    samples++;
    const at = { nowMs, elapsedMs: periodMs, cores };
    const load = Math.max(0, Math.min(1, (busyMs - gridBusyMs) / periodMs));
    const before = memory.slice();
    const next = rule.next(sampleOf(mips, pstate, load, at), memory, 0);
    const grid = Math.round(nowMs / periodMs);
    nextGrid = grid + 1;
    if (next !== pstate) {
      pstate = next;
      changes.push([nowMs, next]);
    } else if (parks) {
      const steadyMs =
        rule.steadyMs?.(sampleOf(mips, pstate, busy(), at), memory, 0) ??
        (Math.abs(busy() - load) < 1e-9 && before.every((v, i) => Object.is(v, memory[i]))
          ? Number.POSITIVE_INFINITY
          : 0);
      nextGrid = grid + Math.floor(steadyMs / periodMs) + 1;
    }
  }
}
