/**
 * A run's directory as a record: `plan.json` and `load.jsonl` of the load, and `metrics.jsonl` of the hosts
 * (in the directory itself, or in a folder for each host) for its energy.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inputError } from '../../../sim/index.ts';
import type { MetricsLine } from '../../metrics-file/line.ts';
import { readMetricsFile } from '../../metrics-file/reader.ts';
import type { KindRecord, PhaseRecord, RunRecord } from './compare-runs.ts';
import { type LoadLine, readLoadLines } from './load-line.ts';
import { loadKinds, readLoadPlan } from './load-plan.ts';
import { errorCount } from './meter.ts';

/** Energy of one host between two of its lines. */
export interface EnergyInterval {
  readonly fromMs: number;
  readonly toMs: number;
  readonly energyJ: number;
}

/** Hosts whose energy is known for less of a phase than this have none there. */
const coverageLeast = 0.8;

/** @throws InputError when the directory is none of a load run. */
export async function readRun(directory: string): Promise<RunRecord> {
  if (!existsSync(join(directory, 'plan.json'))) {
    throw inputError(directory, 'the directory of a load run, with plan.json', 'none');
  }
  const { vms, load } = readLoadPlan(join(directory, 'plan.json'));
  const lines = await readLoadLines(join(directory, 'load.jsonl'));
  const hosts: EnergyInterval[][] = [];
  for (const path of metricsFiles(directory)) {
    const { entries } = await readMetricsFile(path);
    hosts.push(energyIntervals(entries.map(({ line }) => line)));
  }
  const startMs = startOf(lines);
  // Phases that were begun: Ctrl-C leaves some out.
  const lastS = lines.reduce((last, { asked, toS }) => Math.max(last, asked > 0 ? toS : 0), 0);
  const phases = load.phases
    .filter(({ startS }) => startS < lastS - 0.5)
    .map(({ startS, endS }, phase): PhaseRecord => {
      const own = lines.filter((line) => line.phase === phase);
      const until = Math.min(endS, lastS);
      return {
        seconds: until - startS,
        energyJ: energyBetween(hosts, startMs + startS * 1000, startMs + until * 1000),
        kinds: Object.fromEntries(
          loadKinds
            .filter((kind) => vms.some((vm) => vm.kind === kind))
            .map((kind) => [kind, kindRecord(own.filter((line) => line.kind === kind))]),
        ),
      };
    });
  return { name: directory, planKey: JSON.stringify({ vms, load }), phases };
}

function kindRecord(lines: readonly LoadLine[]): KindRecord {
  const sum = (of: (line: LoadLine) => number): number =>
    lines.reduce((all, line) => all + of(line), 0);
  return {
    asked: sum(({ asked }) => asked),
    done: sum(({ done }) => done),
    errors: sum(({ errors }) => errorCount(errors)),
    histograms: lines.map(({ histogram }) => histogram),
  };
}

function metricsFiles(directory: string): string[] {
  const own = join(directory, 'metrics.jsonl');
  if (existsSync(own)) return [own];
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(directory, name, 'metrics.jsonl'))
    .filter((path) => existsSync(path))
    .sort();
}

/** Wall-clock start of the load, by the median of its lines: clocks are set now and then. */
function startOf(lines: readonly LoadLine[]): number {
  const starts = lines.map(({ timestamp, toS }) => Date.parse(timestamp) - toS * 1000);
  return starts.sort((a, b) => a - b)[Math.floor(starts.length / 2)]!;
}

/**
 * Energy of packages and DRAM between lines that have it (`core` and `uncore` lie inside a package, `psys`
 * holds everything). It is the difference of the counters, so lines without energies between them lose
 * none; across a counter that wrapped it is what the line says itself.
 */
export function energyIntervals(lines: readonly MetricsLine[]): EnergyInterval[] {
  const intervals: EnergyInterval[] = [];
  let before: { readonly ms: number; readonly zones: MetricsLine['rapl_energy'] } | undefined;
  let lineBeforeMs = Number.NaN;
  for (const { timestamp, rapl_energy } of lines) {
    const toMs = Date.parse(timestamp);
    const zones = Object.fromEntries(
      Object.entries(rapl_energy).filter(([name]) => /^(?:package|dram)/.test(name)),
    );
    if (Object.keys(zones).length > 0) {
      const counted = before === undefined ? undefined : counterEnergyJ(before.zones, zones);
      const fromMs = counted === undefined ? lineBeforeMs : before!.ms;
      const energyJ = counted ?? deltaEnergyJ(zones);
      if (energyJ !== undefined && toMs > fromMs) intervals.push({ fromMs, toMs, energyJ });
      before = { ms: toMs, zones };
    }
    lineBeforeMs = toMs;
  }
  return intervals;
}

/** What counters rose by; undefined when one fell, or there are others than before. */
function counterEnergyJ(
  before: MetricsLine['rapl_energy'],
  after: MetricsLine['rapl_energy'],
): number | undefined {
  if (Object.keys(before).length !== Object.keys(after).length) return undefined;
  let sum = 0;
  for (const [name, { current_uj }] of Object.entries(after)) {
    const rise = current_uj - (before[name]?.current_uj ?? Number.NaN);
    if (!(rise >= 0)) return undefined;
    sum += rise / 1e6;
  }
  return sum;
}

function deltaEnergyJ(zones: MetricsLine['rapl_energy']): number | undefined {
  const deltas = Object.values(zones).map(({ delta_uj }) => delta_uj);
  if (deltas.some((delta) => delta < 0)) return undefined;
  return deltas.reduce((sum, delta) => sum + delta / 1e6, 0);
}

/**
 * Energy of all hosts between two times, J. A host's gaps have its mean power of the rest; undefined when
 * there is no host, or one is known for too little of the time.
 */
export function energyBetween(
  hosts: readonly (readonly EnergyInterval[])[],
  fromMs: number,
  toMs: number,
): number | undefined {
  if (hosts.length === 0) return undefined;
  let sum = 0;
  for (const intervals of hosts) {
    let knownMs = 0;
    let energyJ = 0;
    for (const interval of intervals) {
      const insideMs = Math.min(toMs, interval.toMs) - Math.max(fromMs, interval.fromMs);
      if (insideMs <= 0) continue;
      knownMs += insideMs;
      energyJ += interval.energyJ * (insideMs / (interval.toMs - interval.fromMs));
    }
    if (knownMs < coverageLeast * (toMs - fromMs)) return undefined;
    sum += energyJ * ((toMs - fromMs) / knownMs);
  }
  return sum;
}
