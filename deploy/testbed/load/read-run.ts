/**
 * A run's directory as a record: `plan.json` and `load.jsonl` of the load; for energy `meters.jsonl` of the plugs
 * and `metrics.jsonl` of the hosts (in the directory itself, or in a folder for each host).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inputError } from '../../../sim/index.ts';
import { readMetricsFile } from '../../metrics-file/reader.ts';
import type { KindRecord, PhaseRecord, RunRecord } from './compare-runs.ts';
import { type EnergyInterval, energyBetween, energyIntervals } from './energy.ts';
import { type LoadLine, readLoadLines } from './load-line.ts';
import { loadKinds, readLoadPlan } from './load-plan.ts';
import { errorCount } from './meter.ts';
import { plugIntervals } from './plug-meters.ts';

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
  const plugs = plugsOf(directory);
  const startMs = startOf(lines);
  // Phases that were begun: Ctrl-C leaves some out.
  const lastS = lines.reduce((last, { asked, toS }) => Math.max(last, asked > 0 ? toS : 0), 0);
  const phases = load.phases
    .filter(({ startS }) => startS < lastS - 0.5)
    .map(({ startS, endS }, phase): PhaseRecord => {
      const own = lines.filter((line) => line.phase === phase);
      const until = Math.min(endS, lastS);
      const [fromMs, toMs] = [startMs + startS * 1000, startMs + until * 1000];
      return {
        seconds: until - startS,
        plugJ: energyBetween(plugs, fromMs, toMs),
        raplJ: energyBetween(hosts, fromMs, toMs),
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

function plugsOf(directory: string): EnergyInterval[][] {
  const path = join(directory, 'meters.jsonl');
  return existsSync(path) ? plugIntervals(readFileSync(path, 'utf8')) : [];
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
