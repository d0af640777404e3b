/** A kind of policy: its name, what options it takes, and how to make one. */
import { z } from 'zod';
import type { Policy } from '../policy.ts';
import { historyMax } from '../view.ts';

export interface PolicyKind {
  readonly name: string;
  readonly description: string;
  /** Strict: unknown options are refused. */
  readonly options: z.ZodObject;
  /** Other names, each standing for this kind with some options set. */
  readonly shorthands: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** @param options Validated by `options`, defaults filled in. */
  readonly create: (options: unknown) => Policy;
}

/** Ties the options' schema to the function that receives them. */
export function policyKind<Shape extends z.ZodRawShape>(kind: {
  readonly name: string;
  readonly description: string;
  readonly options: Shape;
  readonly shorthands?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly create: (options: z.output<z.ZodObject<Shape, z.core.$strict>>) => Policy;
}): PolicyKind {
  const options = z.strictObject(kind.options);
  return {
    name: kind.name,
    description: kind.description,
    options,
    shorthands: kind.shorthands ?? {},
    create: (given) => kind.create(options.parse(given)),
  };
}

/** The option of policies that move VMs: how far back a VM's demand is remembered. */
export function lookbackOption(intervals: number): z.ZodDefault<z.ZodNumber> {
  return z
    .number()
    .int()
    .gte(1)
    .lte(historyMax)
    .default(intervals)
    .describe('intervals; a VM counts with its highest demand in the newest so many');
}
