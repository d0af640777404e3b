/**
 * CPU time of a PlanetLab day in the twin under THR-MMT and LR-MMT, next to CloudSim's, e.g.
 * `npx tsx bench/planetlab-day.ts ../shared/data/planetlab/20110303`.
 *
 * 800 hosts, 1,052 VMs, 288 decisions, engine and policy together. The day is run twice:
 *
 * - `real`: memory is a hard limit, which alone keeps some 330 hosts busy; hosts boot for 150 s,
 *   draw 5 W while off, and copies share 1 Gbit/s ports.
 * - `ideal`: memory without end, instant and free power switching, no contention for the network.
 *   CloudSim's assumptions, so these are the rows to compare with its energy and migrations (THR-MMT
 *   253.76 kWh and 41,634, LR-MMT 221.38 kWh and 44,405, its removal of idle VMs repaired), and
 *   harder work: many more VMs per host and migrations.
 */

import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import {
  buildModel,
  type ClusterModel,
  createPolicy,
  defaultObjective,
  type HostSpec,
  hostFromPreset,
  type RunSummary,
  runPolicy,
  Twin,
  type Workload,
} from '../sim/index.ts';
import { readPlanetlab } from '../traces/index.ts';

/** Hosts of the day, HP ProLiant ML110 G4 and G5 in turn. */
const hostCount = 800;

/** Timed runs of each row, after one that is not timed. */
const runs = 5;

/**
 * CPU seconds of unmodified CloudSim 4.0 (OpenJDK 17) for day 20110303, start-up included.
 * Source: CloudSim 4.0 stock `ThrMmt` and `LrMmt`, same class of machine (two shared cores, ± 20 %).
 */
const cloudSimCpuS: Readonly<Record<string, number>> = { 'thr-mmt': 61.44, 'lr-mmt': 93.6 };

export type PlanetlabCluster = 'real' | 'ideal';

export interface PlanetlabDayRow {
  readonly policy: string;
  readonly cluster: PlanetlabCluster;
  /** CPU time of the whole run, s. */
  readonly medianCpuS: number;
  readonly minCpuS: number;
  /** CloudSim's CPU time over the median. Like for like only in the `ideal` cluster. */
  readonly ratio: number;
  readonly summary: RunSummary;
}

/** Runs THR-MMT and LR-MMT on the traces in `directory`; CloudSim's times are of day 20110303. */
export function benchPlanetlabDay(directory: string): PlanetlabDayRow[] {
  const { workload } = readPlanetlab(directory);
  const rows: PlanetlabDayRow[] = [];
  for (const cluster of ['real', 'ideal'] as const) {
    const model = planetlabModel(workload, cluster);
    for (const [policy, referenceCpuS] of Object.entries(cloudSimCpuS)) {
      const cpuS: number[] = [];
      let { summary } = runDay(model, policy);
      for (let run = 0; run < runs; run++) {
        const before = process.cpuUsage();
        ({ summary } = runDay(model, policy));
        const { system, user } = process.cpuUsage(before);
        cpuS.push((system + user) / 1e6);
      }
      cpuS.sort((a, b) => a - b);
      const medianCpuS = cpuS[Math.floor(runs / 2)]!;
      const ratio = referenceCpuS / medianCpuS;
      rows.push({ policy, cluster, medianCpuS, minCpuS: cpuS[0]!, ratio, summary });
    }
  }
  return rows;
}

/** CloudSim's hosts and rates: VM memory is copied at 62.5 MB/s, a copy costs 10 % of the VM's CPU. */
export function planetlabModel(workload: Workload, cluster: PlanetlabCluster): ClusterModel {
  const hosts = Array.from({ length: hostCount }, (_, host): HostSpec => {
    const spec = hostFromPreset(host % 2 === 0 ? 'hp-ml110-g4' : 'hp-ml110-g5', `host-${host}`);
    if (cluster === 'real') return spec;
    return { ...spec, memoryBytes: 1e15, offW: 0, bootMs: 0, shutdownMs: 0 };
  });
  return buildModel({
    hosts,
    workload,
    migration: () => ({ bytesPerS: 62.5e6, dirtyIntensity: 0, workingSetBytes: 0 }),
    network: { type: 'star', portBytesPerS: cluster === 'real' ? 125e6 : 1e15 },
    migrationOverheadFraction: 0.1,
  });
}

/** One day under one policy, a decision every interval. */
export function runDay(model: ClusterModel, policy: unknown): { readonly summary: RunSummary } {
  const { intervalMs, steps } = model.workload;
  return runPolicy(Twin.create(model, 1), createPolicy(policy, 'policy'), {
    untilMs: steps * intervalMs,
    decisionEveryMs: intervalMs,
    objective: defaultObjective,
  });
}

function main(directory: string): void {
  for (const row of benchPlanetlabDay(directory)) {
    const times =
      row.cluster === 'ideal' ? `; CloudSim takes ${row.ratio.toFixed(0)} × as long` : '';
    const { energyKwh, slatah, pdm, migrations, meanHostsOn, unservedFraction } = row.summary;
    console.log(
      `${row.policy}, ${row.cluster} cluster: median ${row.medianCpuS.toFixed(3)}, min ` +
        `${row.minCpuS.toFixed(3)} CPU s of ${runs}${times}; ${energyKwh.toFixed(2)} kWh, SLATAH ${(100 * slatah).toFixed(2)} %, PDM ` +
        `${(100 * pdm).toFixed(4)} %, unserved ${(100 * unservedFraction).toFixed(4)} %, ` +
        `${migrations} migrations, ${meanHostsOn.toFixed(1)} hosts on`,
    );
  }
}

const script = process.argv[1];
if (script !== undefined && import.meta.url === pathToFileURL(realpathSync(script)).href) {
  main(process.argv[2] ?? '../shared/data/planetlab/20110303');
}
