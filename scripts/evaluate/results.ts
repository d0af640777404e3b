/** What an evaluation writes down, and the statistics that tables and charts are made of. */
import {
  type CostVector,
  type Objective,
  percentile,
  type RunSummary,
  type SeriesRow,
} from '../../sim/index.ts';

/** One run of one policy on one scenario with one seed. */
export interface RunRecord {
  readonly scenario: string;
  readonly policy: string;
  readonly seed: number;
  /** The objective's value, kWh-equivalents. */
  readonly objective: number;
  readonly cost: CostVector;
  readonly summary: RunSummary;
  /** Wall time of each decision, ms, ascending. */
  readonly decisionMs: readonly number[];
  readonly series: readonly SeriesRow[];
}

/** One point of a learning curve. */
export interface LearningPoint {
  readonly epoch: number;
  readonly trainLoss: number;
  readonly heldOutRegret: number;
  readonly heldOutAgreement: number;
}

/** The whole of an evaluation, as stored in `evaluation.json`. */
export interface Evaluation {
  readonly format: 'wattwin-evaluation';
  readonly version: 1;
  readonly title: string;
  readonly objective: Objective;
  /** What the workload was, and which seeds or days trained and tested. */
  readonly workload: string;
  readonly trainedOn: string;
  readonly testedOn: string;
  readonly hosts: number;
  readonly vms: number;
  readonly decisionEveryMs: number;
  readonly records: readonly RunRecord[];
  readonly learning?: {
    readonly curve: readonly LearningPoint[];
    /** The single proposal that would have been best to follow always. */
    readonly bestFixed: { readonly source: string; readonly heldOutRegret: number };
  };
  /** How far the oracle's search stays above all possible plans on tiny clusters, as fractions. */
  readonly optimalityGap?: {
    readonly instances: number;
    readonly mean: number;
    readonly largest: number;
    readonly solvedExactly: number;
  };
}

/** A mean with its 95 % confidence interval. */
export interface Estimate {
  readonly mean: number;
  /** Half the width of the interval; NaN for a single value. */
  readonly halfWidth: number;
  readonly count: number;
}

/** One line of the comparison. */
export interface PolicyResult {
  readonly policy: string;
  readonly objective: Estimate;
  /** Objective above the oracle's on the same scenario and seed, in per cent of it. */
  readonly regretPercent: Estimate | undefined;
  readonly energyKwh: Estimate;
  /** Of facilities: energy at the wall; what the objective counts as money; carbon. */
  readonly wallKwh?: Estimate;
  readonly money?: Estimate;
  readonly carbonKg?: Estimate;
  readonly lostVcpuHours: Estimate;
  readonly slatah: Estimate;
  readonly pdm: Estimate;
  readonly slav: Estimate;
  readonly esv: Estimate;
  readonly migrations: Estimate;
  readonly meanHostsOn: Estimate;
  readonly decisionMsP50: number;
  readonly decisionMsP99: number;
}

/** The policy that regret is measured against. */
export const referencePolicy = 'oracle';

/** Two-sided 95 % quantile of Student's t for 1, 2, … degrees of freedom; 1.96 beyond. */
const studentT = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145,
  2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048,
  2.045, 2.042,
] as const;

/** Mean and t-interval of independent values. */
export function estimate(values: readonly number[]): Estimate {
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) * (value - mean), 0);
  const quantile = studentT[count - 2] ?? (count > 31 ? 1.96 : Number.NaN);
  const halfWidth = count < 2 ? Number.NaN : quantile * Math.sqrt(squares / (count - 1) / count);
  return { mean, halfWidth, count };
}

/** Policies in the order of their mean objective, best first. */
export function compare(records: readonly RunRecord[]): PolicyResult[] {
  const names = [...new Set(records.map((record) => record.policy))];
  const results = names.map((policy): PolicyResult => {
    const own = records.filter((record) => record.policy === policy);
    const of = (pick: (record: RunRecord) => number): Estimate => estimate(own.map(pick));
    const regret = pairedPercent(records, policy, referencePolicy);
    const decisionMs = own.flatMap((record) => record.decisionMs).sort((a, b) => a - b);
    return {
      policy,
      objective: of((record) => record.objective),
      regretPercent: regret.count === 0 ? undefined : regret,
      energyKwh: of((record) => record.summary.energyKwh),
      ...facilityPart(own),
      lostVcpuHours: of((record) => record.cost.lostVcpuHours),
      slatah: of((record) => record.summary.slatah),
      pdm: of((record) => record.summary.pdm),
      slav: of((record) => record.summary.slav),
      esv: of((record) => record.summary.esv),
      migrations: of((record) => record.summary.migrations),
      meanHostsOn: of((record) => record.summary.meanHostsOn),
      decisionMsP50: percentile(decisionMs, 0.5),
      decisionMsP99: percentile(decisionMs, 0.99),
    };
  });
  return results.sort((a, b) => a.objective.mean - b.objective.mean);
}

/** Only what all runs of the policy have. */
function facilityPart(
  own: readonly RunRecord[],
): Pick<PolicyResult, 'wallKwh' | 'money' | 'carbonKg'> {
  const values = (pick: (record: RunRecord) => number | undefined): Estimate | undefined => {
    const found = own.map(pick).filter((value) => value !== undefined);
    return found.length === own.length ? estimate(found) : undefined;
  };
  const wallKwh = values(({ summary }) => summary.facility?.energyKwh);
  const money = values(({ cost }) => cost.money);
  const carbonKg = values(({ cost }) => cost.carbonKg);
  return {
    ...(wallKwh === undefined ? {} : { wallKwh }),
    ...(money === undefined ? {} : { money }),
    ...(carbonKg === undefined ? {} : { carbonKg }),
  };
}

/** The currency of the runs' money; several are named side by side, and none is an empty text. */
export function currencyOf(records: readonly RunRecord[]): string {
  return [...new Set(records.map(({ summary }) => summary.facility?.currency ?? ''))]
    .filter(Boolean)
    .join('/');
}

/** Objective of `policy` minus that of `other` on the same scenario and seed, kWh-equivalents. */
export function pairedDifference(
  records: readonly RunRecord[],
  policy: string,
  other: string,
): Estimate {
  return estimate(pairs(records, policy, other).map(([own, base]) => own - base));
}

/** Objective of `policy` above that of `other` on the same scenario and seed, per cent of it. */
export function pairedPercent(
  records: readonly RunRecord[],
  policy: string,
  other: string,
): Estimate {
  return estimate(pairs(records, policy, other).map(([own, base]) => 100 * (own / base - 1)));
}

/** Objectives of two policies on each scenario and seed that both ran. */
function pairs(
  records: readonly RunRecord[],
  policy: string,
  other: string,
): (readonly [own: number, base: number])[] {
  const theirs = new Map(
    records.filter((record) => record.policy === other).map((r) => [runKey(r), r.objective]),
  );
  return records.flatMap((record) => {
    const base = record.policy === policy ? theirs.get(runKey(record)) : undefined;
    return base === undefined ? [] : [[record.objective, base] as const];
  });
}

/** Names a run apart from its policy. */
function runKey({ scenario, seed }: RunRecord): string {
  return `${scenario}/${seed}`;
}
