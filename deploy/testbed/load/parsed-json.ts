/** JSON from outside, where what cannot be used is no error. */
import type { z } from 'zod';

/** A value of that form; undefined for other text, as the last line of a file whose writer was killed. */
export function parsedJson<Value>(form: z.ZodType<Value>, text: string): Value | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = form.safeParse(value);
  return parsed.success ? parsed.data : undefined;
}
