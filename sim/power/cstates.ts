/**
 * Idle states of a core (C-states). Idea: a deeper state draws less and costs more to enter and leave,
 * so it pays only for idle intervals longer than its target residency.
 *
 * Rule (Linux cpuidle): the deepest state whose target residency is at most the predicted idle
 * interval and whose exit latency is at most what the quality of service allows.
 *
 * Energies here are in seconds of a busy core's power: multiply by that power (W) for J. The energy
 * of one passage through state s is not published; it follows from the target residency t_s, which is the
 * interval from which on s is cheaper than the next shallower state:
 *
 *   E_s = E_{s−1} + (p_{s−1} − p_s) · t_s        p_0 = 1, E_0 = 0: polling in C0
 *   cost of an idle interval t in s = p_s · t + E_s
 *
 * With that the rule picks the cheapest state of all allowed ones.
 *
 * Validity: latencies are those the kernel's driver believes; package C6 was measured at 128 µs where the
 * firmware's table says 41. All relative powers here are guesses: calibrate them. Intervals that
 * are cut short by the prediction's error are not in it, nor are timers' coalescing.
 */

import { inputError } from '../errors.ts';
import { exp } from '../numbers/exact-math.ts';

export interface CState {
  readonly name: string;
  /** Time from the wake-up until the core runs again, µs. */
  readonly exitLatencyUs: number;
  /** Shortest idle interval that is worth it, entry and exit included, µs. */
  readonly targetResidencyUs: number;
  /** Power relative to a busy core, in [0, 1]. */
  readonly relativePower: number;
}

/** Guessed power relative to a busy core; the source of C1, C1E and C6 is a guess as well. */
const relativePowerGuess: Readonly<Record<string, number>> = {
  C1: 0.35,
  C1E: 0.2,
  C3: 0.1,
  C6: 0.02,
  // Beyond C6 the core draws nothing; what is saved then is the package's.
  C7s: 0,
  C8: 0,
  C9: 0,
  C10: 0,
};

function states(
  ...rows: readonly (readonly [name: string, exitLatencyUs: number, targetResidencyUs: number])[]
): readonly CState[] {
  return rows.map(([name, exitLatencyUs, targetResidencyUs]) => {
    const relativePower = relativePowerGuess[name]!;
    return { name, exitLatencyUs, targetResidencyUs, relativePower };
  });
}

/**
 * Core C-states by generation, shallowest first. Exit latency and target residency in µs as in Linux'
 * intel_idle driver; checked against it for Skylake-SP, Ice Lake-SP and the deep states of Skylake,
 * recalled for the others.
 */
export const cstateTables = {
  nehalem: states(['C1', 3, 6], ['C3', 20, 80], ['C6', 200, 800]),
  'sandy-bridge': states(['C1', 2, 2], ['C1E', 10, 20], ['C3', 80, 211], ['C6', 104, 345]),
  'ivy-bridge-ep': states(['C1', 1, 1], ['C1E', 10, 80], ['C3', 59, 156], ['C6', 82, 300]),
  haswell: states(['C1', 2, 2], ['C1E', 10, 20], ['C3', 33, 100], ['C6', 133, 400]),
  'skylake-client': states(
    ['C1', 2, 2],
    ['C1E', 10, 20],
    ['C3', 70, 100],
    ['C6', 85, 200],
    ['C7s', 124, 800],
    ['C8', 200, 800],
    ['C9', 480, 5000],
    ['C10', 890, 5000],
  ),
  'skylake-sp': states(['C1', 2, 2], ['C1E', 10, 20], ['C6', 133, 600]),
  'ice-lake-sp': states(['C1', 1, 1], ['C1E', 4, 4], ['C6', 128, 384]),
  'sapphire-rapids': states(['C1', 1, 1], ['C1E', 2, 4], ['C6', 290, 800]),
} as const satisfies Readonly<Record<string, readonly CState[]>>;

/**
 * Checks that deeper states are slower, longer and cheaper.
 *
 * @throws InputError naming the state that is not.
 */
export function checkCStates(path: string, table: readonly CState[]): void {
  let last: Omit<CState, 'name'> = { exitLatencyUs: 0, targetResidencyUs: 0, relativePower: 1 };
  table.forEach((state, index) => {
    const { exitLatencyUs, targetResidencyUs, relativePower } = state;
    const isDeeper =
      exitLatencyUs >= last.exitLatencyUs &&
      targetResidencyUs >= last.targetResidencyUs &&
      relativePower <= last.relativePower &&
      relativePower >= 0 &&
      targetResidencyUs < Number.POSITIVE_INFINITY;
    if (!isDeeper) {
      const expected = 'exit latency and target residency that rise and relative power that falls';
      throw inputError(`${path}[${index}]`, `${expected} from state to state`, state.name);
    }
    last = state;
  });
}

/** Polling in C0: no state at all. */
export const polling = -1;

/**
 * Index of the state for an idle interval, or `polling` when none fits.
 *
 * @param idleS Predicted length of the interval, s.
 * @param latencyLimitS Longest exit latency allowed, s. Default: no limit.
 */
export function chooseCState(
  table: readonly CState[],
  idleS: number,
  latencyLimitS: number = Number.POSITIVE_INFINITY,
): number {
  // In µs, rounded like the table: 600 µs as 0.0006 s must meet a residency of 600.
  const idleUs = idleS * 1e6 * (1 + 1e-12);
  const limitUs = latencyLimitS * 1e6 * (1 + 1e-12);
  let chosen = polling;
  for (let index = 0; index < table.length; index++) {
    const { targetResidencyUs, exitLatencyUs } = table[index]!;
    if (targetResidencyUs <= idleUs && exitLatencyUs <= limitUs) chosen = index;
  }
  return chosen;
}

/** Energy of one passage through state `index`, in s of a busy core's power. */
export function transitionEnergyS(table: readonly CState[], index: number): number {
  let energyUs = 0;
  let before = 1;
  for (let state = 0; state <= index; state++) {
    const { relativePower, targetResidencyUs } = table[state]!;
    energyUs += (before - relativePower) * targetResidencyUs;
    before = relativePower;
  }
  return energyUs * 1e-6;
}

/** Energy of one idle interval spent in state `index`, in s of a busy core's power. */
export function idleEnergyS(table: readonly CState[], index: number, idleS: number): number {
  const relativePower = index === polling ? 1 : table[index]!.relativePower;
  return relativePower * idleS + transitionEnergyS(table, index);
}

/** Idle interval from which on `deep` costs less than `shallow`, s. */
export function breakEvenS(table: readonly CState[], shallow: number, deep: number): number {
  const power = (index: number): number => (index === polling ? 1 : table[index]!.relativePower);
  const energyS = transitionEnergyS(table, deep) - transitionEnergyS(table, shallow);
  return energyS / (power(shallow) - power(deep));
}

/** How a core with a given load spends its time. */
export interface IdleProfile {
  /** Share of the idle time in C0 (polling) and in each state; sums to 1. */
  readonly residency: readonly number[];
  /** Share of the idle intervals that end up in each; sums to 1. */
  readonly entries: readonly number[];
  /** Mean power of the idle time relative to a busy core, passages included. */
  readonly relativeIdlePower: number;
  /** Mean power of the core relative to an always busy one. */
  readonly relativePower: number;
  /** Mean exit latency that the first request after an idle interval meets, s. */
  readonly wakeLatencyS: number;
}

/** Mean idle interval of a core that is busy for `busy` of the time and woken `wakeupsPerS` times a second. */
export const meanIdleS = (busy: number, wakeupsPerS: number): number =>
  wakeupsPerS > 0 ? (1 - busy) / wakeupsPerS : Number.POSITIVE_INFINITY;

function profile(
  table: readonly CState[],
  busy: number,
  idleS: number,
  residency: readonly number[],
  entries: readonly number[],
): IdleProfile {
  let relativeIdlePower = residency[0]!;
  let wakeLatencyS = 0;
  table.forEach((state, index) => {
    const [share, count] = [residency[index + 1]!, entries[index + 1]!];
    relativeIdlePower += share * state.relativePower;
    if (count > 0) {
      relativeIdlePower += (count * transitionEnergyS(table, index)) / idleS;
      wakeLatencyS += count * state.exitLatencyUs * 1e-6;
    }
  });
  const relativePower = busy + (1 - busy) * relativeIdlePower;
  return { residency, entries, relativeIdlePower, relativePower, wakeLatencyS };
}

/** Profile of a core that never idles. */
function alwaysBusy(table: readonly CState[]): IdleProfile {
  const none = [1, ...table.map(() => 0)];
  const power = { relativeIdlePower: 1, relativePower: 1, wakeLatencyS: 0 };
  return { residency: none, entries: none, ...power };
}

/**
 * Profile of a core whose governor predicts the mean: every idle interval goes to the one state
 * that fits the mean interval. Exact for equal intervals.
 *
 * @param busy Busy fraction, in [0, 1].
 * @param wakeupsPerS Idle intervals per second; 0 for one endless interval.
 */
export function predictedIdleProfile(
  table: readonly CState[],
  busy: number,
  wakeupsPerS: number,
  latencyLimitS: number = Number.POSITIVE_INFINITY,
): IdleProfile {
  const idleS = meanIdleS(busy, wakeupsPerS);
  if (busy >= 1) return alwaysBusy(table);
  const chosen = chooseCState(table, idleS, latencyLimitS);
  const shares = [polling, ...table.keys()].map((index) => (index === chosen ? 1 : 0));
  return profile(table, busy, idleS, shares, shares);
}

/**
 * Profile of a core with exponentially distributed idle intervals (requests at random) and a governor
 * that knows each one's length: the exact expectation, and the least energy the rule can reach.
 *
 * With mean τ, state s is taken for intervals in [t_s, t_{s+1}):
 * entries e^(−t_s/τ) − e^(−t_{s+1}/τ), time (1 + t_s/τ) e^(−t_s/τ) − (1 + t_{s+1}/τ) e^(−t_{s+1}/τ).
 */
export function exponentialIdleProfile(
  table: readonly CState[],
  busy: number,
  wakeupsPerS: number,
  latencyLimitS: number = Number.POSITIVE_INFINITY,
): IdleProfile {
  const idleS = meanIdleS(busy, wakeupsPerS);
  if (busy >= 1) return alwaysBusy(table);
  const deepest = chooseCState(table, Number.POSITIVE_INFINITY, latencyLimitS);
  const residency: number[] = [];
  const entries: number[] = [];
  for (let index = polling; index < table.length; index++) {
    const from = index === polling ? 0 : (table[index]!.targetResidencyUs * 1e-6) / idleS;
    const to =
      index < deepest
        ? (table[index + 1]!.targetResidencyUs * 1e-6) / idleS
        : Number.POSITIVE_INFINITY;
    const beyond = (x: number): number => (x < Number.POSITIVE_INFINITY ? exp(-x) : 0);
    const timeBeyond = (x: number): number =>
      x < Number.POSITIVE_INFINITY ? (1 + x) * exp(-x) : 0;
    entries.push(index <= deepest ? beyond(from) - beyond(to) : 0);
    residency.push(index <= deepest ? timeBeyond(from) - timeBeyond(to) : 0);
  }
  return profile(table, busy, idleS, residency, entries);
}

/**
 * State of a package: it may go as deep as its shallowest core, and not at all while one runs.
 *
 * @param coreStates State of each core, `polling` while it runs.
 */
export function packageCState(coreStates: ArrayLike<number>): number {
  let shallowest = coreStates.length > 0 ? coreStates[0]! : polling;
  for (let core = 1; core < coreStates.length; core++) {
    if (coreStates[core]! < shallowest) shallowest = coreStates[core]!;
  }
  return shallowest;
}
