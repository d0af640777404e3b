/**
 * The key `facility`: its schema, and what it makes of a model. Traces that lie in files are read by
 * whoever reads the scenario and handed in as `FacilityTraces`.
 */
import { z } from 'zod';
import type { Issue } from '../errors.ts';
import type { FacilitySpec, TariffSpec } from '../facility/facility-model.ts';
import type { CarbonTrace, PriceTrace } from '../numbers/rated-trace.ts';
import { StepTrace } from '../numbers/step-trace.ts';
import { quantity } from './quantity-field.ts';

/** An amount of money per something; the currency is any three capital letters. */
export interface MoneyRate {
  readonly amount: number;
  readonly currency: string;
}

const units = {
  kWh: { kWh: 1, MWh: 1e-3 },
  h: { h: 1 },
  g: { 'g/kWh': 1, 'kg/kWh': 1000, 'kg/MWh': 1 },
} as const;

const number = String.raw`(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)`;
const moneyPattern = new RegExp(String.raw`^\s*${number}\s*([A-Z]{3})\/([A-Za-z]+)\s*$`);
const carbonPattern = new RegExp(String.raw`^\s*${number}\s*([A-Za-z]+\/[A-Za-z]+)\s*$`);

function factorOf(table: Readonly<Record<string, number>>, unit: string): number | undefined {
  return Object.hasOwn(table, unit) ? table[unit] : undefined;
}

/** `0.25 EUR/kWh`, `80 EUR/MWh`; or per `h`. */
function money(per: 'kWh' | 'h', minimum = 0) {
  const example = per === 'kWh' ? 'a price such as "0.25 EUR/kWh"' : 'a price such as "0.02 EUR/h"';
  return z.unknown().transform((value, context): MoneyRate => {
    const [, digits, currency, unit] =
      (typeof value === 'string' ? moneyPattern.exec(value) : null) ?? [];
    const factor = unit === undefined ? undefined : factorOf(units[per], unit);
    const amount = Number(digits) * (factor ?? Number.NaN);
    if (amount >= minimum && amount < Infinity) return { amount, currency: currency! };
    context.addIssue({ code: 'custom', message: example, input: value });
    return z.NEVER;
  });
}

/** `300 g/kWh`, in gCO₂eq/kWh. */
const carbonRate = z.unknown().transform((value, context) => {
  const [, digits, unit] = (typeof value === 'string' ? carbonPattern.exec(value) : null) ?? [];
  const amount = Number(digits) * (factorOf(units.g, unit ?? '') ?? Number.NaN);
  if (amount >= 0 && amount < Infinity) return amount;
  const message = 'a carbon intensity such as "300 g/kWh"';
  context.addIssue({ code: 'custom', message, input: value });
  return z.NEVER;
});

/** What all traces have: steps in the scenario, or a file. */
function traceKey<Value extends z.ZodType>(value: Value, what: string) {
  return {
    file: z
      .string()
      .min(1)
      .optional()
      .describe('CSV or Parquet, see traces.md; a relative path starts at the scenario'),
    column: z.string().min(1).optional().describe('of the values; default: a known one'),
    timeColumn: z.string().min(1).optional().describe('of the times; default: a known one'),
    zone: z.string().min(1).optional().describe('zone to read from a file of several'),
    from: z
      .string()
      .min(1)
      .optional()
      .describe('moment in the file at which the run begins, ISO 8601; default: its first'),
    steps: stepList(value, what)
      .optional()
      .describe('instead of a file; the last step is as long as the one before'),
    repeat: repeatKey,
  };
}

const repeatKey = z
  .boolean()
  .default(false)
  .describe('begin again after the last step; default: its value holds on');

function stepList<Value extends z.ZodType>(value: Value, what: string) {
  return z
    .array(
      z.strictObject({
        at: quantity('duration').describe('when it begins'),
        value: value.describe(what),
      }),
    )
    .min(1);
}

export const facilityKey = z.strictObject({
  pue: z
    .number()
    .min(1)
    .default(1)
    .describe('power at the wall per power of the hosts, fixed part aside'),
  fixed: quantity('power').optional().describe('power that is drawn whatever the hosts do'),
  cooling: z
    .strictObject({
      perK: z.number().min(0).describe('added to pue for each K'),
      above: z.number().describe('of outside temperature above this, °C'),
      outside: stepList(z.number(), '°C').describe('outside temperature'),
      repeat: repeatKey,
    })
    .optional()
    .describe('cooling that depends on the weather; default: none'),
  price: money('kWh').optional().describe('of electricity, e.g. `0.25 EUR/kWh`'),
  priceTrace: z
    .strictObject(traceKey(money('kWh', -Infinity), 'e.g. `0.25 EUR/kWh`'))
    .optional()
    .describe('instead of price: it changes over time'),
  carbon: carbonRate.optional().describe('of electricity, CO₂ equivalents, e.g. `300 g/kWh`'),
  carbonTrace: z
    .strictObject({
      ...traceKey(carbonRate, 'e.g. `300 g/kWh`'),
      basis: z
        .enum(['direct', 'life-cycle'])
        .default('life-cycle')
        .describe('which column of Electricity Maps'),
    })
    .optional()
    .describe('instead of carbon: it changes over time'),
  forecast: z
    .strictObject({
      hours: z.number().positive().describe('how far ahead'),
      error: z.number().min(0).describe('standard error 24 h ahead, as a fraction of the value'),
      seed: z.int().min(0).default(1).describe('of the errors'),
    })
    .optional()
    .describe('of price and carbon intensity, for policies; default: none'),
  revenue: z
    .strictObject({
      vm: money('h').optional().describe('for each VM on a host, e.g. `0.02 EUR/h`'),
      vcpu: money('h').optional().describe('for each of its vCPUs'),
      memory: money('h').optional().describe('for each GiB of its memory'),
    })
    .optional()
    .describe('what VMs earn; default: nothing'),
  penalty: money('h')
    .optional()
    .describe('owed for each vCPU·h asked for and not delivered; default: nothing'),
});

export type FacilityKey = z.output<typeof facilityKey>;
type TraceKey = NonNullable<FacilityKey['priceTrace' | 'carbonTrace']>;

/** Traces that were read from the files that the scenario names, in simulated time. */
export interface FacilityTraces {
  readonly price?: PriceTrace;
  readonly carbon?: CarbonTrace;
}

/** @param issues Receives what does not fit together. */
export function facilityOf(
  key: FacilityKey | undefined,
  traces: FacilityTraces,
  path: string,
  issues: Issue[],
): { readonly facility?: FacilitySpec } {
  if (key === undefined) return {};
  const at = `${path}: facility`;
  const { pue, fixed, cooling, forecast } = key;
  const currency = currencyOf(key, traces, at, issues);
  const pricePerKwh = signalOf(
    'price',
    key.price?.amount,
    key.priceTrace,
    traces.price,
    at,
    issues,
  );
  const carbon = signalOf('carbon', key.carbon, key.carbonTrace, traces.carbon, at, issues);
  const outsideC =
    cooling && stepsOf(cooling.outside, cooling.repeat, `${at}.cooling.outside`, issues);
  const tariff = tariffOf(key);
  if (forecast !== undefined && pricePerKwh === undefined && carbon === undefined) {
    issues.push({ path: `${at}.forecast`, expected: 'a price or a carbon intensity', got: 'none' });
  }
  if (issues.length > 0) return {};
  return {
    facility: {
      pue,
      currency,
      ...(fixed === undefined ? {} : { fixedW: fixed }),
      ...(cooling === undefined ? {} : { cooling: { perK: cooling.perK, aboveC: cooling.above } }),
      ...(outsideC === undefined ? {} : { outsideC }),
      ...(pricePerKwh === undefined ? {} : { pricePerKwh }),
      ...(carbon === undefined ? {} : { carbonGPerKwh: carbon }),
      ...(tariff === undefined ? {} : { tariff }),
      ...(forecast === undefined ? {} : { forecast }),
    },
  };
}

/** Whether the facility says what anything costs in money. */
export const hasMoney = (key: FacilityKey | undefined): boolean =>
  key !== undefined &&
  [key.price, key.priceTrace, key.penalty, ...Object.values(key.revenue ?? {})].some(
    (part) => part !== undefined,
  );

/** The one currency of all prices. */
function currencyOf(key: FacilityKey, traces: FacilityTraces, at: string, issues: Issue[]): string {
  const { vm, vcpu, memory } = key.revenue ?? {};
  const named: Readonly<Record<string, string | undefined>> = {
    price: key.price?.currency,
    'revenue.vm': vm?.currency,
    'revenue.vcpu': vcpu?.currency,
    'revenue.memory': memory?.currency,
    penalty: key.penalty?.currency,
    ...Object.fromEntries(
      (key.priceTrace?.steps ?? []).map(({ value }, step) => [
        `priceTrace.steps[${step}]`,
        value.currency,
      ]),
    ),
    // Nothing where the file does not say.
    'priceTrace.file': traces.price?.currency || undefined,
  };
  let first: string | undefined;
  for (const [name, currency] of Object.entries(named)) {
    if (currency === undefined) continue;
    first ??= currency;
    if (currency === first) continue;
    issues.push({ path: `${at}.${name}`, expected: `${first}, as the others`, got: currency });
  }
  return first ?? '';
}

function signalOf(
  name: 'price' | 'carbon',
  constant: number | undefined,
  key: TraceKey | undefined,
  read: { readonly steps: StepTrace } | undefined,
  at: string,
  issues: Issue[],
): StepTrace | undefined {
  if (key === undefined) {
    return constant === undefined ? undefined : traceOf([0], [constant], false);
  }
  const place = `${at}.${name}Trace`;
  if (constant !== undefined) {
    issues.push({ path: place, expected: `${name} or ${name}Trace, not both`, got: 'both' });
  }
  if ((key.file === undefined) === (key.steps === undefined)) {
    const got = key.file === undefined ? 'neither' : 'both';
    issues.push({ path: place, expected: 'either file or steps', got });
    return undefined;
  }
  if (key.steps === undefined) {
    if (read !== undefined) return read.steps;
    issues.push({ path: `${place}.file`, expected: 'a trace that was read', got: 'none' });
    return undefined;
  }
  const { column, timeColumn, zone, from } = key;
  for (const [option, value] of Object.entries({ column, timeColumn, zone, from })) {
    if (value === undefined) continue;
    issues.push({ path: `${place}.${option}`, expected: 'none without a file', got: `"${value}"` });
  }
  return stepsOf(key.steps, key.repeat, `${place}.steps`, issues);
}

function stepsOf(
  steps: readonly { readonly at: number; readonly value: number | MoneyRate }[],
  repeat: boolean,
  place: string,
  issues: Issue[],
): StepTrace | undefined {
  const times = steps.map((step) => step.at);
  const before = issues.length;
  times.forEach((time, step) => {
    const last = times[step - 1];
    const got = `${time} ms`;
    const where = `${place}[${step}].at`;
    if (!Number.isInteger(time)) issues.push({ path: where, expected: 'whole milliseconds', got });
    else if (step === 0 && time !== 0) issues.push({ path: where, expected: '0 s', got });
    else if (last !== undefined && time <= last) {
      issues.push({ path: where, expected: `a time after ${last} ms`, got });
    }
  });
  if (issues.length > before) return undefined;
  const values = steps.map(({ value }) => (typeof value === 'number' ? value : value.amount));
  return traceOf(times, values, repeat);
}

function traceOf(times: readonly number[], values: readonly number[], repeat: boolean): StepTrace {
  const outside = repeat ? 'wrap' : 'clamp';
  return new StepTrace(Float64Array.from(times), Float64Array.from(values), { outside });
}

function tariffOf({ revenue, penalty }: FacilityKey): TariffSpec | undefined {
  if (revenue === undefined && penalty === undefined) return undefined;
  return {
    perVmHour: revenue?.vm?.amount ?? 0,
    perVcpuHour: revenue?.vcpu?.amount ?? 0,
    perGibHour: revenue?.memory?.amount ?? 0,
    perLostVcpuHour: penalty?.amount ?? 0,
  };
}
