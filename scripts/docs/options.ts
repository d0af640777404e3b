/** Zod schemas → rows of a table: key, what to write, default, meaning. */
import { z } from 'zod';
import { quantityExamples } from '../../sim/index.ts';

type QuantityKind = keyof typeof quantityExamples;

export interface OptionRow {
  /** Dotted, with `[]` for the items of a list. */
  readonly key: string;
  readonly type: string;
  readonly default: string;
  readonly meaning: string;
}

/** One key with everything around its type taken off. */
interface Unwrapped {
  readonly schema: z.ZodType;
  readonly optional: boolean;
  readonly fallback: unknown;
  readonly meaning: string | undefined;
}

function unwrap(outer: z.ZodType): Unwrapped {
  let schema = outer;
  let optional = false;
  let fallback: unknown;
  let meaning = schema.description;
  for (;;) {
    if (schema instanceof z.ZodOptional) optional = true;
    else if (schema instanceof z.ZodDefault) fallback = schema.def.defaultValue;
    else if (schema instanceof z.ZodPrefault) optional = true;
    else return { schema, optional, fallback, meaning };
    schema = schema.unwrap() as z.ZodType;
    meaning ??= schema.description;
  }
}

/**
 * Rows of an object's keys, nested objects after the key that holds them.
 *
 * @throws RangeError naming the first key without a description.
 */
export function optionRows(schema: z.ZodObject, prefix = ''): OptionRow[] {
  return Object.entries(schema.shape).flatMap(([name, value]) => {
    const key = `${prefix}${name}`;
    const { schema: inner, optional, fallback, meaning } = unwrap(value as z.ZodType);
    if (meaning === undefined) throw new RangeError(`${key} has no description`);
    const item = inner instanceof z.ZodArray ? unwrap(inner.element as z.ZodType).schema : inner;
    const row = {
      key,
      type: describeType(inner),
      default: describeDefault(inner, optional, fallback),
      meaning,
    };
    if (!(item instanceof z.ZodObject) || item.def.catchall instanceof z.ZodUnknown) return [row];
    const below = inner instanceof z.ZodArray ? `${key}[].` : `${key}.`;
    return [row, ...optionRows(item, below)];
  });
}

function describeType(schema: z.ZodType): string {
  if (schema instanceof z.ZodPipe) return kindOf(schema) ?? 'text';
  if (schema instanceof z.ZodArray) {
    return `list of ${plural(describeType(unwrap(schema.element as z.ZodType).schema))}`;
  }
  if (schema instanceof z.ZodObject) return 'object';
  if (schema instanceof z.ZodUnion) return 'name or object';
  if (schema instanceof z.ZodEnum) return schema.options.map((name) => `\`${name}\``).join(', ');
  if (schema instanceof z.ZodLiteral) return `\`${[...schema.values].join(', ')}\``;
  if (schema instanceof z.ZodBoolean) return 'true or false';
  if (schema instanceof z.ZodNumber) return describeNumber(schema);
  return 'text';
}

function plural(type: string): string {
  return type.replace(/^(whole number|number|object|text|list)/, '$1s');
}

/** `whole number ≥ 1`, `number > 0, ≤ 1`. */
function describeNumber(schema: z.ZodNumber): string {
  const json = z.toJSONSchema(schema);
  const bounds = [
    json.exclusiveMinimum === undefined ? '' : `> ${json.exclusiveMinimum}`,
    json.minimum === undefined || json.minimum < -1e15 ? '' : `≥ ${json.minimum}`,
    json.maximum === undefined || json.maximum > 1e15 ? '' : `≤ ${json.maximum}`,
  ].filter(Boolean);
  const kind = json.type === 'integer' ? 'whole number' : 'number';
  return [kind, bounds.join(', ')].filter(Boolean).join(' ');
}

/** The kind of a quantity, known by what it says when it is given nothing. */
function kindOf(schema: z.ZodType): QuantityKind | undefined {
  const message = schema.safeParse(undefined).error?.issues[0]?.message;
  const kinds = Object.entries(quantityExamples) as [QuantityKind, string][];
  return kinds.find(([, example]) => example === message)?.[0];
}

function describeDefault(schema: z.ZodType, optional: boolean, fallback: unknown): string {
  if (fallback === undefined) return optional ? '—' : '**needed**';
  const kind = schema instanceof z.ZodPipe ? kindOf(schema) : undefined;
  if (kind === 'duration') return `\`${Number(fallback) / 1000} s\``;
  if (kind === 'rate') return `\`${Number(fallback) / 125e3} Mbit/s\``;
  return `\`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``;
}

/** Rows as a Markdown table. */
export function optionTable(rows: readonly OptionRow[]): string {
  return markdownTable(
    ['Key', 'Type', 'Default', 'Meaning'],
    rows.map((row) => [`\`${row.key}\``, row.type, row.default, row.meaning]),
  );
}

export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return [header, header.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
