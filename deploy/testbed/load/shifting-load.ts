/**
 * Load that shifts between VMs over minutes, as a plan: how busy each VM shall be in each phase. A
 * pure function of its options, so a baseline and a controlled run get the same work.
 *
 * Each VM has a character of its own: `wave` rises and falls like an office day, `steps` jumps between
 * two levels, `steady` stays. Over all of them wanders a hot spot that makes one VM after the other busy.
 * The whole is scaled so that the mean over VMs and time is what was asked for.
 */
import { inputError, RandomStream } from '../../../sim/index.ts';

export interface ShiftingLoadOptions {
  readonly seed: number;
  readonly vms: number;
  readonly durationS: number;
  /** Mean utilization over VMs and time, in (0, 1). */
  readonly mean: number;
  /** Length of a phase, s. */
  readonly phaseS: number;
}

export const vmCharacters = ['wave', 'steps', 'steady'] as const;
export type VmCharacter = (typeof vmCharacters)[number];

export interface LoadPhase {
  readonly startS: number;
  readonly endS: number;
  /** How busy each VM shall be, in [0, 1], in thousandths; `[vms]`. */
  readonly utilization: readonly number[];
}

export interface ShiftingLoad {
  readonly seed: number;
  readonly durationS: number;
  readonly characters: readonly VmCharacter[];
  readonly phases: readonly LoadPhase[];
}

/** No VM is asked for less than a trickle, whose latencies are of interest too, or for all there is. */
const least = 0.02;
const most = 0.95;

/** @throws InputError when the options contradict each other. */
export function shiftingLoad(options: ShiftingLoadOptions): ShiftingLoad {
  const { seed, vms, durationS, mean, phaseS } = options;
  check(options);
  const stream = new RandomStream(seed, 'shifting-load');
  const people = Array.from({ length: vms }, () => person(stream));
  const phaseCount = Math.max(1, Math.ceil(durationS / phaseS));
  const hot = hotSpots(phaseCount, vms, stream);
  const shape = Array.from({ length: phaseCount }, (_, phase) => {
    const middle = (phase + 0.5) / phaseCount;
    return people.map((vm, index) => levelOf(vm, middle) + (hot[phase] === index ? 0.6 : 0));
  });
  const lengths = shape.map((_, phase) => Math.min(phaseS, durationS - phase * phaseS));
  const scale = scaleFor(shape, lengths, mean);
  return {
    seed,
    durationS,
    characters: people.map(({ character }) => character),
    phases: shape.map((levels, phase) => ({
      startS: phase * phaseS,
      endS: Math.min(durationS, (phase + 1) * phaseS),
      utilization: levels.map((level) => Math.round(within(level * scale) * 1000) / 1000),
    })),
  };
}

/** Mean over VMs and time. */
export function meanUtilization({ phases }: ShiftingLoad): number {
  let sum = 0;
  let weight = 0;
  for (const { startS, endS, utilization } of phases) {
    for (const one of utilization) sum += one * (endS - startS);
    weight += utilization.length * (endS - startS);
  }
  return sum / weight;
}

function check({ seed, vms, durationS, mean, phaseS }: ShiftingLoadOptions): void {
  const need = (isRight: boolean, path: string, expected: string, got: number): void => {
    if (!isRight) throw inputError(path, expected, String(got));
  };
  need(Number.isSafeInteger(seed) && seed >= 0, 'seed', 'a whole number from 0 up', seed);
  need(Number.isInteger(vms) && vms >= 1 && vms <= 10_000, 'vms', 'from 1 to 10000 VMs', vms);
  need(durationS > 0 && durationS <= 7 * 86_400, 'duration', 'up to 7 days', durationS);
  need(phaseS >= 1 && Number.isFinite(phaseS), 'phase', 'a second or more', phaseS);
  need(durationS / phaseS <= 100_000, 'phase', 'at most 100000 phases', durationS / phaseS);
  need(mean >= least && mean <= most, 'mean', `from ${least} to ${most}`, mean);
}

interface Person {
  readonly character: VmCharacter;
  readonly base: number;
  /** Rise of a wave or of a step. */
  readonly rise: number;
  /** Waves or steps over the whole duration. */
  readonly times: number;
  readonly offset: number;
}

const person = (stream: RandomStream): Person => ({
  character: vmCharacters[stream.integer(vmCharacters.length)]!,
  base: 0.1 + 0.3 * stream.float(),
  rise: 0.3 + 0.5 * stream.float(),
  times: 1 + stream.integer(3),
  offset: stream.float(),
});

/** Level at a moment in [0, 1) of the duration, before scaling. */
function levelOf({ character, base, rise, times, offset }: Person, moment: number): number {
  const part = (moment * times + offset) % 1;
  switch (character) {
    case 'steady':
      return base + rise / 2;
    case 'steps':
      return base + (part < 0.5 ? 0 : rise);
    case 'wave': {
      // A parabola over each half: like a sine, and the same in every engine.
      const half = (part * 2) % 1;
      const arc = 4 * half * (1 - half);
      return base + (rise / 2) * (1 + (part < 0.5 ? arc : -arc));
    }
  }
}

/** The VM with the hot spot in each phase; −1 of none. It stays for a few phases, then moves on. */
function hotSpots(phases: number, vms: number, stream: RandomStream): number[] {
  const spots: number[] = [];
  let at = stream.integer(vms);
  while (spots.length < phases) {
    const stay = 2 + stream.integer(3);
    for (let phase = 0; phase < stay; phase++) spots.push(at);
    // Of two phases in a row without one, nothing is hot.
    if (stream.float() < 0.3) spots.push(-1);
    // Another VM, where there is one.
    if (vms > 1) at = (at + 1 + stream.integer(vms - 1)) % vms;
  }
  return spots.slice(0, phases);
}

const within = (level: number): number => Math.min(most, Math.max(least, level));

/** The factor with which the mean comes out, by halving: levels are cut at both ends, so it is not linear. */
function scaleFor(
  shape: readonly (readonly number[])[],
  lengths: readonly number[],
  mean: number,
): number {
  const total = lengths.reduce((sum, length) => sum + length, 0) * shape[0]!.length;
  const meanWith = (scale: number): number =>
    shape.reduce(
      (sum, levels, phase) =>
        sum + lengths[phase]! * levels.reduce((all, level) => all + within(level * scale), 0),
      0,
    ) / total;
  let low = 0;
  // The lowest level is 0.1: with this factor all are cut to `most`.
  let high = 10;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (meanWith(middle) < mean) low = middle;
    else high = middle;
  }
  return high;
}
