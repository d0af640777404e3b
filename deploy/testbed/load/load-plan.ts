/**
 * Which VM is asked for how much when: the shifting load, with the rate at which each VM would be fully
 * busy. The plan of one run is the input of another that is to do the same work.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { inputError, RandomStream } from '../../../sim/index.ts';
import type { RateStep } from './arrivals.ts';
import type { JobStep } from './jobs/jobs-load.ts';
import { type ShiftingLoad, vmCharacters } from './shifting-load.ts';

/** `redis`: YCSB operations from outside. `jobs`: CPU work in the guest, by its agent. */
export const loadKinds = ['redis', 'jobs'] as const;
export type LoadKind = (typeof loadKinds)[number];

const plannedVm = z.strictObject({
  vm: z.string().min(1),
  kind: z.enum(loadKinds),
  /** Requests per second that a utilization of 1 stands for. */
  fullPerS: z.number().positive(),
  /** Units of work of a job. */
  cost: z.int().min(1).optional(),
});

const fraction = z.number().min(0).max(1);

const loadPlanSchema = z.strictObject({
  version: z.literal(1),
  vms: z.array(plannedVm).min(1),
  load: z.strictObject({
    seed: z.int().min(0),
    durationS: z.number().positive(),
    characters: z.array(z.enum(vmCharacters)),
    phases: z
      .array(
        z.strictObject({
          startS: z.number().min(0),
          endS: z.number().positive(),
          utilization: z.array(fraction).min(1),
        }),
      )
      .min(1),
  }),
});

export type PlannedVm = z.output<typeof plannedVm>;

export interface LoadPlan {
  readonly version: 1;
  /** In the order of `load`'s columns. */
  readonly vms: readonly PlannedVm[];
  readonly load: ShiftingLoad;
}

/** Rates of one VM, a step for each phase. */
export function rateSteps({ vms, load }: LoadPlan, index: number): RateStep[] {
  return load.phases.map(({ startS, endS, utilization }) => ({
    startMs: startS * 1000,
    endMs: endS * 1000,
    perS: Number((utilization[index]! * vms[index]!.fullPerS).toPrecision(6)),
  }));
}

/** The same for jobs. Each step has a seed of its own, so that a step that began late shifts no other. */
export function jobSteps(plan: LoadPlan, index: number): JobStep[] {
  return rateSteps(plan, index).map((step, phase) => ({
    ...step,
    seed: derivedSeed(plan.load.seed, `jobs ${index} ${phase}`),
  }));
}

/** A seed below 2^32 for a part of a run. */
export const derivedSeed = (seed: number, part: string): number =>
  new RandomStream(seed, part).integer(2 ** 32);

/** The phase that a time belongs to; the last for what comes after the end. */
export function phaseAt({ phases }: ShiftingLoad, timeS: number): number {
  const found = phases.findIndex(({ endS }) => timeS < endS);
  return found === -1 ? phases.length - 1 : found;
}

/** @throws InputError when the file is no plan. */
export function readLoadPlan(path: string): LoadPlan {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw inputError(path, 'the plan of a load run', (error as Error).message);
  }
  const parsed = loadPlanSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw inputError(`${path} ${issue?.path.join('.')}`, 'the plan of a load run', issue!.message);
  }
  const { vms, load } = parsed.data;
  if (load.phases.some(({ utilization }) => utilization.length !== vms.length)) {
    throw inputError(path, `${vms.length} utilizations in each phase`, 'another number');
  }
  return parsed.data;
}
