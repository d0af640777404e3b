/** One line of `load.jsonl`: what one VM was asked for and did in about a second. */
import { createReadStream, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { inputError } from '../../../sim/index.ts';
import { loadKinds } from './load-plan.ts';

const count = z.int().min(0);

export const loadLineSchema = z.looseObject({
  /** Wall clock at the end of the slice. */
  timestamp: z.iso.datetime(),
  /** The slice, s from the start of the load. The last may end after the load, with late answers. */
  fromS: z.number().min(0),
  toS: z.number().min(0),
  phase: count,
  vm: z.string(),
  kind: z.enum(loadKinds),
  /** Requests that the plan has due in the slice, on average. */
  asked: z.number().min(0),
  issued: count,
  done: count,
  errors: z.record(z.string(), count),
  /** Due and not answered at the end of the slice. */
  inFlight: count,
  /** Of what was done in the slice, from when it was due. */
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  histogram: z.object({
    buckets: z.array(z.tuple([count, count])),
    sumUs: z.number(),
    minUs: z.number(),
    maxUs: z.number(),
  }),
  missing: z.boolean().optional(),
});

export type LoadLine = z.output<typeof loadLineSchema>;

/**
 * All whole lines of a file; a last one that was cut off is left out.
 *
 * @throws InputError when there is none, or a line is of another form.
 */
export async function readLoadLines(path: string): Promise<LoadLine[]> {
  if (!existsSync(path)) throw inputError(path, 'the lines of a load run', 'no such file');
  const lines: LoadLine[] = [];
  let number = 0;
  let broken = '';
  for await (const text of createInterface({ input: createReadStream(path) })) {
    number += 1;
    if (text.trim() === '') continue;
    if (broken !== '') throw inputError(broken, 'a line of a load run', 'something else');
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      broken = `${path}:${number}`;
      continue;
    }
    const parsed = loadLineSchema.safeParse(value);
    if (!parsed.success) {
      const [issue] = parsed.error.issues;
      throw inputError(`${path}:${number} ${issue?.path.join('.')}`, 'a load line', issue!.message);
    }
    lines.push(parsed.data);
  }
  if (lines.length === 0) throw inputError(path, 'the lines of a load run', 'none');
  return lines;
}
