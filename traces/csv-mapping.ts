/**
 * What the columns of somebody's CSV files mean: a YAML file beside them, checked as strictly as a
 * scenario.
 *
 * ```yaml
 * columns:
 *   time: { column: timestamp, unit: s }
 *   vm: { column: vm_id }
 *   cpu: { column: cpu_percent, unit: percent }
 * interval: 300 s
 * ```
 */
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { InputError, issuesOf, quantity } from '../sim/index.ts';

/** Milliseconds of one unit of time; `iso` is text. */
export const timeUnits = {
  iso: Number.NaN,
  days: 86_400_000,
  h: 3_600_000,
  min: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  ns: 1e-6,
} as const;

/** Bytes of one unit of memory. */
export const memoryUnits = {
  bytes: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 1024 * 1024,
  GiB: 1024 * 1024 * 1024,
} as const;

/** MIPS of one unit of speed; a core of 1 MHz counts as 1 MIPS. */
export const speedUnits = { MIPS: 1, MHz: 1, GHz: 1000 } as const;

/** CPU units: of the VM's capacity, of one core, or absolute. */
export const cpuUnits = ['percent', 'fraction', 'cores', 'MIPS', 'MHz', 'GHz'] as const;

const keysOf = <T extends object>(units: T): [keyof T & string, ...(keyof T & string)[]] =>
  Object.keys(units) as [keyof T & string, ...(keyof T & string)[]];

const column = z
  .union([z.string().min(1), z.int().min(1)], { error: 'a column name, or its number from 1 up' })
  .describe('name in the header, or number from 1 up');
const time = z.strictObject({ column, unit: z.enum(keysOf(timeUnits)).default('s') });
const cpuUnit = z.enum(cpuUnits).default('percent');

const common = {
  delimiter: z
    .string()
    .refine((text) => /^[\x20-\x7e\t]$/.test(text) && text !== '"', {
      error: 'one ASCII character, not a quote',
    })
    .default(','),
  header: z.boolean().default(true),
  missing: z
    .array(z.string())
    .default(['', 'NaN', 'nan', 'NA', 'N/A', 'null', 'NULL', 'None', '-']),
  interval: quantity('duration').optional(),
  interpolation: z.enum(['hold', 'zero']).default('hold'),
  hold: quantity('duration').optional(),
  defaults: z
    .strictObject({
      vcpus: z.int().min(1).max(65_535).default(1),
      speed: quantity('speed').optional(),
      memory: quantity('size').optional(),
    })
    .prefault({}),
};

const long = z.strictObject({
  form: z.literal('long'),
  columns: z.strictObject({
    time,
    vm: z.strictObject({ column }).optional(),
    cpu: z.strictObject({ column, unit: cpuUnit }),
    memory: z
      .strictObject({ column, unit: z.enum(keysOf(memoryUnits)).default('bytes') })
      .optional(),
    vcpus: z.strictObject({ column }).optional(),
    speed: z.strictObject({ column, unit: z.enum(keysOf(speedUnits)).default('MHz') }).optional(),
    start: time.optional(),
    end: time.optional(),
  }),
  ...common,
});

const wide = z.strictObject({
  form: z.literal('wide'),
  columns: z.strictObject({
    time,
    cpu: z.strictObject({ unit: cpuUnit }).prefault({}),
    vms: z.array(column).min(1).optional(),
  }),
  ...common,
});

/** A row per VM and time is `long`, the default; a column per VM is `wide`. */
const mappingSchema = z.discriminatedUnion('form', [long, wide], {
  error: 'form: long (a row per VM and time) or wide (a column per VM)',
});

/** A checked mapping, quantities in base units. */
export type CsvMapping = z.output<typeof mappingSchema>;
export type LongMapping = z.output<typeof long>;
export type WideMapping = z.output<typeof wide>;

/**
 * Reads a mapping in YAML (JSON is a subset).
 *
 * @param file Its name, for messages.
 * @throws InputError with every issue: `file:line` for syntax, `file: columns.cpu` for content.
 */
export function parseMapping(text: string, file: string): CsvMapping {
  const document = parseDocument(text, { prettyErrors: true });
  if (document.errors.length > 0) {
    throw new InputError(
      document.errors.map((error) => ({
        path: `${file}:${error.linePos?.[0].line ?? 1}`,
        expected: 'valid YAML',
        got: error.message.split('\n')[0] ?? error.code,
      })),
    );
  }
  return checkMapping(document.toJS(), file);
}

/** The same for a mapping that is data already. @throws InputError with every issue. */
export function checkMapping(value: unknown, file: string): CsvMapping {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  const given = isObject ? { form: 'long', ...value } : value;
  const result = mappingSchema.safeParse(given);
  if (!result.success) throw new InputError(issuesOf(result.error, given, file));
  const named = namedWithoutHeader(result.data);
  if (named.length === 0) return result.data;
  throw new InputError(
    named.map(([key, name]) => ({
      path: `${file}: columns.${key}`,
      expected: 'a number from 1 up, for there is no header',
      got: `"${name}"`,
    })),
  );
}

/** Columns given by name though the files have no header. */
function namedWithoutHeader(mapping: CsvMapping): [key: string, name: string][] {
  if (mapping.header) return [];
  const all = Object.entries(mapping.columns).flatMap(([key, given]): [string, unknown][] =>
    Array.isArray(given)
      ? given.map((name, index): [string, unknown] => [`vms[${index}]`, name])
      : [[`${key}.column`, (given as { column?: unknown } | undefined)?.column]],
  );
  return all.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
}
