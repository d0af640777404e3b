/** Cost vectors as rows of numbers, for messages between threads and for files. */
import type { CostVector } from '../sim/index.ts';

/** energy kWh, lost vCPU·h, migrations; and with a facility money, carbon kg: NaN where absent. */
export const costColumns = 5;

/** As few numbers as say it: three without a facility, else five with `null` for what is absent. */
export function packCost(cost: CostVector): (number | null)[] {
  const { energyKwh, lostVcpuHours, migrations, money, carbonKg } = cost;
  const always = [energyKwh, lostVcpuHours, migrations];
  if (money === undefined && carbonKg === undefined) return always;
  return [...always, money ?? null, carbonKg ?? null];
}

/** @returns `undefined` when the numbers are no cost. */
export function unpackCost(packed: unknown): CostVector | undefined {
  if (!Array.isArray(packed) || (packed.length !== 3 && packed.length !== costColumns)) {
    return undefined;
  }
  const [energyKwh, lostVcpuHours, migrations, money = null, carbonKg = null] =
    packed as readonly unknown[];
  const always = { energyKwh, lostVcpuHours, migrations };
  if (!Object.values(always).every(Number.isFinite)) return undefined;
  if (![money, carbonKg].every((value) => value === null || Number.isFinite(value))) {
    return undefined;
  }
  return {
    ...always,
    ...(money === null ? {} : { money }),
    ...(carbonKg === null ? {} : { carbonKg }),
  } as CostVector;
}

/** Writes row `index` of [rows × costColumns]. */
export function writeCostRow(rows: Float64Array, index: number, cost: CostVector): void {
  const { energyKwh, lostVcpuHours, migrations, money, carbonKg } = cost;
  const row = [energyKwh, lostVcpuHours, migrations, money ?? NaN, carbonKg ?? NaN];
  rows.set(row, index * costColumns);
}

/** The costs of [rows × costColumns]. */
export function readCostRows(rows: Float64Array): CostVector[] {
  return Array.from({ length: rows.length / costColumns }, (_, index) => {
    const at = index * costColumns;
    const money = rows[at + 3]!;
    const carbonKg = rows[at + 4]!;
    return {
      energyKwh: rows[at]!,
      lostVcpuHours: rows[at + 1]!,
      migrations: rows[at + 2]!,
      ...(Number.isNaN(money) ? {} : { money }),
      ...(Number.isNaN(carbonKg) ? {} : { carbonKg }),
    };
  });
}
