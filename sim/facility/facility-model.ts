/**
 * What surrounds the hosts: overhead of the building, price and carbon intensity of electricity,
 * prices of VMs. Plain columns on shared memory, as the rest of the model; `FacilityRates` answers
 * questions about them.
 */

import { assert } from '../errors.ts';
import { fillFloat64 } from '../numbers/columns.ts';
import type { OutsideRule, StepTrace } from '../numbers/step-trace.ts';

/** Quantities that change over time by steps. */
export const signalNames = ['price', 'carbon', 'outside'] as const;
export type SignalName = (typeof signalNames)[number];

/** A forecast of price and carbon intensity as policies may see it; see `forecast.ts`. */
export interface ForecastSpec {
  /** How far ahead it reaches, h. */
  readonly hours: number;
  /** Standard error of a value 24 h ahead, as a fraction of it; it grows with the root of time. */
  readonly error: number;
  readonly seed: number;
}

/** Income and penalties, in units of the currency. */
export interface TariffSpec {
  /** For each VM, each of its vCPUs and each GiB of its memory, per hour on a host. */
  readonly perVmHour: number;
  readonly perVcpuHour: number;
  readonly perGibHour: number;
  /** Owed per vCPU·h asked for and not delivered. */
  readonly perLostVcpuHour: number;
}

/** Everything is optional: nothing given costs nothing. */
export interface FacilitySpec {
  /** Power at the wall per power of the hosts, at least 1. @default 1 */
  readonly pue?: number;
  /** Power that is drawn whatever the hosts do, W. @default 0 */
  readonly fixedW?: number;
  /** What cooling adds to `pue` for each K by which it is warmer outside than `aboveC`. */
  readonly cooling?: { readonly perK: number; readonly aboveC: number };
  /** Outside temperature, °C; needed with `cooling`. */
  readonly outsideC?: StepTrace;
  /** Of electricity, currency per kWh. */
  readonly pricePerKwh?: StepTrace;
  /** Of electricity, gCO₂eq per kWh. */
  readonly carbonGPerKwh?: StepTrace;
  /** For people, e.g. `EUR`. */
  readonly currency?: string;
  readonly tariff?: TariffSpec;
  /** Default: nobody knows what is to come. */
  readonly forecast?: ForecastSpec;
}

/** A step function as columns. */
export interface SignalModel {
  /** When each value begins, whole ms of simulated time, rising, [values]. */
  readonly timestampMs: Float64Array;
  readonly values: Float64Array;
  readonly endMs: number;
  readonly outside: OutsideRule;
}

export interface FacilityModel {
  readonly pue: number;
  readonly fixedW: number;
  readonly coolingPerK: number;
  readonly coolingAboveC: number;
  readonly signals: Readonly<Partial<Record<SignalName, SignalModel>>>;
  /** Whether any of them ever changes: then the meter needs events. */
  readonly changes: boolean;
  readonly currency: string;
  readonly tariff?: TariffSpec;
  readonly forecast?: ForecastSpec;
}

/** @throws InvariantError for a PUE below 1, times that are no whole ms, or cooling without `outsideC`. */
export function buildFacility(spec: FacilitySpec): FacilityModel {
  const { pue = 1, fixedW = 0, cooling, currency = '', tariff, forecast } = spec;
  assert(pue >= 1 && pue < Infinity, () => `PUE ${pue}`);
  assert(fixedW >= 0 && fixedW < Infinity, () => `${fixedW} W of fixed power`);
  assert(cooling === undefined || spec.outsideC !== undefined, () => 'cooling needs a temperature');
  const signals: Partial<Record<SignalName, SignalModel>> = {};
  const traces = { price: spec.pricePerKwh, carbon: spec.carbonGPerKwh, outside: spec.outsideC };
  for (const name of signalNames) {
    const trace = traces[name];
    if (trace !== undefined) signals[name] = signalOf(trace, name);
  }
  return {
    pue,
    fixedW,
    coolingPerK: cooling?.perK ?? 0,
    coolingAboveC: cooling?.aboveC ?? 0,
    signals,
    changes: Object.values(signals).some(({ values }) => values.length > 1),
    currency,
    ...(tariff === undefined ? {} : { tariff }),
    ...(forecast === undefined ? {} : { forecast }),
  };
}

/** Whole milliseconds compare exactly, also after a trace has begun again a thousand times. */
function signalOf(trace: StepTrace, name: string): SignalModel {
  const { timestampMs, values, endMs, outside } = trace;
  for (const time of [...timestampMs, endMs]) {
    assert(Number.isInteger(time), () => `${name} changes at ${time} ms, no whole number`);
  }
  return {
    timestampMs: fillFloat64(timestampMs.length, (index) => timestampMs[index]!),
    values: fillFloat64(values.length, (index) => values[index]!),
    endMs,
    outside,
  };
}

/** Events that the meter of `facility` keeps pending: 1 or none. */
export const facilityTimers = (facility: FacilityModel | undefined): number =>
  facility?.changes === true ? 1 : 0;
