/** What a run cost, earned and emitted, for the objective and for people. */
import type { Twin } from '../twin.ts';
import { facilityNow } from './facility-meter.ts';
import { earningsNow } from './vm-earnings.ts';

/** Present as far as the scenario says what things cost. */
export interface FacilitySummary {
  /** Energy at the wall, kWh. */
  readonly energyKwh: number;
  /** Energy at the wall / energy of the hosts; 0 when they took none. */
  readonly meanPue: number;
  readonly carbonKg?: number;
  readonly currency?: string;
  /** All in units of the currency. */
  readonly electricity?: number;
  readonly revenue?: number;
  /** Revenue of the time in which VMs waited for a host or restarted. */
  readonly forgone?: number;
  /** For work not delivered. */
  readonly penalty?: number;
  /** revenue − penalty − electricity */
  readonly profit?: number;
}

/** @param hostsKwh Energy of all hosts; `lostVcpuHours`: what they did not deliver. */
export function summarizeFacility(
  twin: Twin,
  hostsKwh: number,
  lostVcpuHours: number,
): FacilitySummary | undefined {
  const { facility } = twin.model;
  const reading = facilityNow(twin);
  if (facility === undefined || reading === undefined) return undefined;
  const { signals, tariff, currency } = facility;
  const { energyKwh, electricity, carbonKg } = reading;
  const summary: FacilitySummary = {
    energyKwh,
    meanPue: hostsKwh > 0 ? energyKwh / hostsKwh : 0,
    ...(signals.carbon === undefined ? {} : { carbonKg }),
    ...(signals.price === undefined ? {} : { currency, electricity }),
  };
  if (tariff === undefined) return summary;
  const { earned, forgone } = earningsNow(twin, tariff);
  const penalty = tariff.perLostVcpuHour * lostVcpuHours;
  const profit = earned - penalty - electricity;
  return { ...summary, currency, revenue: earned, forgone, penalty, profit };
}

/** The facility's part of the cost vector. */
export interface FacilityCost {
  /**
   * Electricity + penalty + forgone revenue, in units of the currency: what is left of all possible
   * revenue as profit, taken from it.
   */
  readonly money?: number;
  /** kgCO₂eq. */
  readonly carbonKg?: number;
}

/** Empty without a facility. */
export function facilityCost(twin: Twin, lostVcpuHours: number): FacilityCost {
  if (twin.model.facility === undefined) return {};
  const {
    electricity = 0,
    forgone = 0,
    penalty = 0,
    currency,
    carbonKg,
  } = summarizeFacility(twin, 0, lostVcpuHours) ?? {};
  return {
    ...(currency === undefined ? {} : { money: electricity + penalty + forgone }),
    ...(carbonKg === undefined ? {} : { carbonKg }),
  };
}
