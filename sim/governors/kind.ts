/** A kind of governor: its name, the tunables Linux gives it, and how to make a rule of them. */
import { z } from 'zod';
import type { GovernorRule } from './rule.ts';

export interface GovernorKind {
  readonly name: string;
  readonly description: string;
  /** Strict: unknown options are refused. */
  readonly options: z.ZodObject;
  /** @param options Validated by `options`, defaults filled in. */
  readonly create: (options: unknown) => GovernorRule;
}

/** Ties the options' schema to the function that receives them. */
export function governorKind<Shape extends z.ZodRawShape>(kind: {
  readonly name: string;
  readonly description: string;
  readonly options: Shape;
  readonly create: (
    options: z.output<z.ZodObject<Shape, z.core.$strict>>,
  ) => Omit<GovernorRule, 'name' | 'description'>;
}): GovernorKind {
  const { name, description } = kind;
  const options = z.strictObject(kind.options);
  return {
    name,
    description,
    options,
    create: (given) => ({ ...kind.create(options.parse(given)), name, description }),
  };
}

/** The tunable `sampling_rate`, µs. */
export function samplingRateOption(us: number): z.ZodDefault<z.ZodNumber> {
  return z.number().gt(0).default(us).describe('µs between samples unless the host sets a period');
}

/** The `reset` of a rule that remembers `slots` numbers. */
export function forget(slots: number): (memory: Float64Array, at: number) => void {
  return (memory, at) => {
    memory.fill(0, at, at + slots);
  };
}

/**
 * The `steadyMs` of a rule whose choice depends on the load and its memory but not on the time: for
 * ever if one more sample of this load would change neither P-state nor memory, else not at all.
 */
export function steadyOnceStill(
  next: GovernorRule['next'],
  slots: number,
): NonNullable<GovernorRule['steadyMs']> {
  const trial = new Float64Array(slots);
  return (sample, memory, at) => {
    for (let slot = 0; slot < slots; slot++) trial[slot] = memory[at + slot]!;
    if (next(sample, trial, 0) !== sample.pstate) return 0;
    const still = trial.every((value, slot) => value === memory[at + slot]);
    return still ? Number.POSITIVE_INFINITY : 0;
  };
}
