/** The traces that a scenario's `facility` names in files, shifted to the time of the run. */
import { resolve } from 'node:path';
import {
  CarbonTrace,
  type FacilityTraces,
  inputError,
  PriceTrace,
  type Scenario,
  type StepTrace,
} from '../sim/index.ts';
import { type RatedOptions, readCarbonTrace, readPriceTrace } from '../traces/index.ts';
import { isoMs } from '../traces/iso-time.ts';

/**
 * @param directory Relative paths start here.
 * @param file Name of the scenario's file, for messages.
 * @throws InputError for files that cannot be read, and moments outside them.
 */
export function facilityTracesOf(
  { facility }: Scenario,
  directory: string,
  file: string,
): FacilityTraces {
  const { priceTrace, carbonTrace } = facility ?? {};
  const at = `${file}: facility`;
  let traces: FacilityTraces = {};
  if (priceTrace?.file !== undefined) {
    const { trace } = readPriceTrace(resolve(directory, priceTrace.file), optionsOf(priceTrace));
    const shifted = shift(trace.steps, priceTrace.from, `${at}.priceTrace.from`);
    const currency = codes[trace.currency.toUpperCase()] ?? trace.currency.toUpperCase();
    traces = { price: new PriceTrace(...shifted, { ...endOf(trace.steps, shifted), currency }) };
  }
  if (carbonTrace?.file !== undefined) {
    const { trace } = readCarbonTrace(resolve(directory, carbonTrace.file), {
      ...optionsOf(carbonTrace),
      basis: carbonTrace.basis,
    });
    const shifted = shift(trace.steps, carbonTrace.from, `${at}.carbonTrace.from`);
    traces = { ...traces, carbon: new CarbonTrace(...shifted, endOf(trace.steps, shifted)) };
  }
  return traces;
}

/** As files write currencies, and as scenarios do. */
const codes: Readonly<Record<string, string>> = { '€': 'EUR', $: 'USD', '£': 'GBP' };

interface FileKey {
  readonly column?: string | undefined;
  readonly timeColumn?: string | undefined;
  readonly zone?: string | undefined;
  readonly repeat: boolean;
}

function optionsOf({ column, timeColumn, zone, repeat }: FileKey): RatedOptions {
  return {
    outside: repeat ? 'wrap' : 'clamp',
    ...(column === undefined ? {} : { column }),
    ...(timeColumn === undefined ? {} : { timeColumn }),
    ...(zone === undefined ? {} : { zone }),
  };
}

/** Times and values with the run's beginning at 0; whole milliseconds. */
function shift(
  trace: StepTrace,
  from: string | undefined,
  place: string,
): [timestampMs: Float64Array, values: Float64Array] {
  const startMs = from === undefined ? trace.startMs : isoMs(from);
  if (!(startMs >= trace.startMs && startMs < trace.endMs)) {
    const [first, end] = [trace.startMs, trace.endMs].map((ms) => new Date(ms).toISOString());
    throw inputError(place, `a moment from ${first} to before ${end}`, `"${from}"`);
  }
  return [trace.timestampMs.map((ms) => Math.round(ms - startMs)), trace.values];
}

function endOf(
  trace: StepTrace,
  [timestampMs]: readonly [Float64Array, Float64Array],
): { readonly outside: StepTrace['outside']; readonly endMs: number } {
  const lastMs = trace.endMs - trace.timestampMs.at(-1)!;
  return { outside: trace.outside, endMs: timestampMs.at(-1)! + Math.max(1, Math.round(lastMs)) };
}
