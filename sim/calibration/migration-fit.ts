/**
 * Bandwidth and dirtying of live migrations from their records: the pre-copy formulas, backwards.
 *
 *   round i copies V_i = V·λ^i, λ = D / B;   total V_t = Σ V_i = (V − λ·V_n) / (1 − λ)
 *   duration = V_t / B + t₀,                 downtime = V_n / B + t₁
 *
 * so duration over V_t is a line whose slope is 1/B, and with V_n, what the last copy moved,
 *
 *   λ = (V_t − V) / (V_t − V_n).
 *
 * V_n comes from the downtime, else from the number of rounds by solving V_t = V·(1 − λ^(n+1))/(1 − λ).
 *
 * @see C. Clark et al., "Live Migration of Virtual Machines", NSDI 2005 (pre-copy); the form with a
 *   constant rate of dirtying is that of A. Strunk, "Costs of Virtual Machine Live Migration: A Survey",
 *   2012.
 */
import { type Design, predictRows, robustFit } from './robust-fit.ts';
import { median, type PredictionError, predictionError } from './statistics.ts';

export interface MigrationRecord {
  readonly memoryBytes: number;
  /** From the start of the copy until the VM runs at its target, ms. */
  readonly durationMs: number;
  /** All that was copied, at least the memory, bytes. */
  readonly transferredBytes: number;
  /** Time that the VM stood still, ms; if it was recorded. */
  readonly downtimeMs?: number;
  /** Copies after the first, if they were counted. */
  readonly rounds?: number;
  /** vCPUs that were busy meanwhile; 1 if it was not recorded. */
  readonly busyVcpus?: number;
}

export interface MigrationFit {
  readonly samples: number;
  /** B, bytes per second. */
  readonly bandwidthBytesPerS: number;
  /** t₀: what a migration takes besides its copies, ms. */
  readonly overheadMs: number;
  /** t₁: what the downtime has besides its copy, ms. */
  readonly resumeMs: number;
  /** D of the median migration, bytes per second. */
  readonly dirtyBytesPerS: number;
  /** λ per busy vCPU of the median migration: `migration.dirtyIntensity` of a scenario. */
  readonly dirtyIntensity: number;
  /** λ of each record, NaN where neither downtime nor rounds tell it, [records]. */
  readonly dirtyRatios: readonly number[];
  /** Of the durations. */
  readonly durationError: PredictionError;
}

/** @returns `undefined` with fewer than 3 records. */
export function fitMigrations(records: readonly MigrationRecord[]): MigrationFit | undefined {
  if (records.length < 3) return undefined;
  const design: Design = {
    columns: 2,
    features: Float64Array.from(records.flatMap((record) => [record.transferredBytes, 1])),
    measured: Float64Array.from(records, ({ durationMs }) => durationMs),
  };
  const line = robustFit(design, { loss: 'relative-huber' });
  const msPerByte = line[0]!;
  if (!(msPerByte > 0)) return undefined;
  const bytesPerMs = 1 / msPerByte;
  const resumeMs = resumeTime(records, bytesPerMs);
  const dirtyRatios = records.map((record) => dirtyRatio(record, bytesPerMs, resumeMs));
  const known = records.flatMap((record, index) => {
    const ratio = dirtyRatios[index]!;
    return Number.isNaN(ratio) ? [] : [{ ratio, perVcpu: ratio / (record.busyVcpus ?? 1) }];
  });
  return {
    samples: records.length,
    bandwidthBytesPerS: 1000 * bytesPerMs,
    overheadMs: line[1]!,
    resumeMs,
    dirtyBytesPerS: 1000 * bytesPerMs * median(known.map(({ ratio }) => ratio)),
    dirtyIntensity: median(known.map(({ perVcpu }) => perVcpu)),
    dirtyRatios,
    durationError: predictionError(design.measured, predictRows(design, line)),
  };
}

/** t₁ where both downtime and rounds are known: λ by rounds gives V_n, and so what is left over. */
function resumeTime(records: readonly MigrationRecord[], bytesPerMs: number): number {
  const rests = records.flatMap(({ downtimeMs, rounds, memoryBytes, transferredBytes }) => {
    if (downtimeMs === undefined || rounds === undefined) return [];
    const ratio = ratioByRounds(memoryBytes, transferredBytes, rounds);
    return [downtimeMs - (memoryBytes * wholePower(ratio, rounds)) / bytesPerMs];
  });
  return Math.max(0, median(rests));
}

function dirtyRatio(record: MigrationRecord, bytesPerMs: number, resumeMs: number): number {
  const { memoryBytes, transferredBytes, downtimeMs, rounds } = record;
  if (rounds !== undefined) return ratioByRounds(memoryBytes, transferredBytes, rounds);
  if (downtimeMs === undefined) return Number.NaN;
  const last = Math.max(0, downtimeMs - resumeMs) * bytesPerMs;
  if (transferredBytes <= last) return Number.NaN;
  return Math.max(0, (transferredBytes - memoryBytes) / (transferredBytes - last));
}

/**
 * λ ≥ 0 with V·(1 + λ + … + λ^rounds) = V_t, by halving: the sum rises with λ.
 *
 * @param rounds Copies after the first, at least 0.
 */
export function ratioByRounds(
  memoryBytes: number,
  transferredBytes: number,
  rounds: number,
): number {
  const goal = transferredBytes / memoryBytes;
  if (goal <= 1 || rounds < 1) return 0;
  // λ^rounds alone must not exceed the goal, so λ ≤ goal.
  let low = 0;
  let high = goal;
  for (let step = 0; step < 200 && low < high; step++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (geometricSum(middle, rounds) < goal) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** 1 + λ + … + λ^rounds. */
export function geometricSum(ratio: number, rounds: number): number {
  let sum = 0;
  let term = 1;
  for (let round = 0; round <= rounds; round++) {
    sum += term;
    term *= ratio;
  }
  return sum;
}

function wholePower(base: number, exponent: number): number {
  let product = 1;
  for (let count = 0; count < exponent; count++) product *= base;
  return product;
}
