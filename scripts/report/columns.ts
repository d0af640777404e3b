/** The columns of the comparison, for the page and for the terminal alike. */
import type { Estimate, PolicyResult } from '../evaluate/results.ts';
import { absent, decimalsFor, fixed, plusMinus, significant } from './format.ts';

export interface Column {
  readonly title: string;
  readonly unit: string;
  readonly explanation: string;
  /** One text per result, with the same decimals throughout where values are alike in size. */
  readonly texts: (results: readonly PolicyResult[], interval: boolean) => string[];
  /** Columns that only some runs have are shown when one result has them. */
  readonly isShown?: (result: PolicyResult) => boolean;
}

type Pick = (result: PolicyResult) => Estimate | undefined;

/** A mean with its interval; `factor` turns the stored unit into the shown one. */
function estimated(pick: Pick, digits: number, factor = 1): Column['texts'] {
  return (results, interval) => {
    const estimates = results.map((result) => {
      const found = pick(result);
      if (found === undefined) return undefined;
      return { ...found, mean: found.mean * factor, halfWidth: found.halfWidth * factor };
    });
    const means = estimates.flatMap((found) => (found === undefined ? [] : [found.mean]));
    const decimals = Math.min(5, decimalsFor(means, digits));
    return estimates.map((found) => {
      if (found === undefined) return absent;
      return interval ? plusMinus(found, decimals) : fixed(found.mean, decimals);
    });
  };
}

/** A plain number that ranges over decades. */
const plain =
  (pick: (result: PolicyResult) => number): Column['texts'] =>
  (results) =>
    results.map((result) => significant(pick(result), 2));

/** Whether there is anything to show in the column. */
export const isShown = (column: Column, results: readonly PolicyResult[]): boolean =>
  column.isShown === undefined || results.some(column.isShown);

/** The column's unit, money in the currency of the runs. */
export const unitOf = (column: Column, currency: string): string =>
  column === columns.money && currency !== '' ? currency : column.unit;

export const columns = {
  objective: {
    title: 'Objective',
    unit: 'kWh-eq',
    explanation: 'weighted sum of energy, lost work and migrations; less is better',
    texts: estimated((result) => result.objective, 4),
  },
  regret: {
    title: 'Regret',
    unit: '%',
    explanation: 'objective above the oracle’s on the same scenario and seed',
    texts: estimated((result) => result.regretPercent, 3),
  },
  energy: {
    title: 'Energy',
    unit: 'kWh',
    explanation: 'electric energy of all hosts, boots and idling included',
    texts: estimated((result) => result.energyKwh, 4),
  },
  wall: {
    title: 'At the wall',
    unit: 'kWh',
    explanation: 'electric energy of the hosts and all that surrounds them',
    texts: estimated((result) => result.wallKwh, 4),
    isShown: ({ wallKwh }) => wallKwh !== undefined,
  },
  money: {
    title: 'Money',
    unit: 'currency',
    explanation: 'price of electricity, penalties, and revenue forgone by VMs without a host',
    texts: estimated((result) => result.money, 4),
    isShown: ({ money }) => money !== undefined,
  },
  carbon: {
    title: 'Carbon',
    unit: 'kg CO₂eq',
    explanation: 'emissions of the electricity at the wall',
    texts: estimated((result) => result.carbonKg, 4),
    isShown: ({ carbonKg }) => carbonKg !== undefined,
  },
  lost: {
    title: 'Lost work',
    unit: 'vCPU·h',
    explanation: 'CPU time asked for and not delivered',
    texts: estimated((result) => result.lostVcpuHours, 3),
  },
  slatah: {
    title: 'SLATAH',
    unit: '%',
    explanation: 'share of active time that hosts spend overloaded, mean over hosts',
    texts: estimated((result) => result.slatah, 3, 100),
  },
  pdm: {
    title: 'PDM',
    unit: '%',
    explanation: 'share of asked work lost to migrations, mean over VMs',
    texts: estimated((result) => result.pdm, 3, 100),
  },
  slav: {
    title: 'SLAV',
    unit: '10⁻⁶',
    explanation: 'SLATAH × PDM, as fractions',
    texts: estimated((result) => result.slav, 3, 1e6),
  },
  esv: {
    title: 'ESV',
    unit: '10⁻³ kWh',
    explanation: 'energy × SLAV',
    texts: estimated((result) => result.esv, 3, 1e3),
  },
  migrations: {
    title: 'Migrations',
    unit: '',
    explanation: 'finished moves of VMs',
    texts: estimated((result) => result.migrations, 3),
  },
  hostsOn: {
    title: 'Hosts on',
    unit: '',
    explanation: 'mean number of hosts not off',
    texts: estimated((result) => result.meanHostsOn, 3),
  },
  p50: {
    title: 'p50',
    unit: 'ms',
    explanation: 'median wall time of a decision',
    texts: plain((result) => result.decisionMsP50),
  },
  p99: {
    title: 'p99',
    unit: 'ms',
    explanation: '99th percentile of the wall time of a decision',
    texts: plain((result) => result.decisionMsP99),
  },
} as const satisfies Record<string, Column>;
