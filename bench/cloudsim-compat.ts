/**
 * CPU time of the CloudSim benchmark's day against CloudSim's own, e.g.
 * `npx tsx bench/cloudsim-compat.ts ../shared/data/planetlab/20110303`.
 */

import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { readTraceDirectory } from '../scripts/referee-cloudsim.ts';
import { type CloudSimDetector, runCloudSim } from '../sim/compat/cloudsim/index.ts';

/** Timed runs of each policy; the first also pays for compilation. */
const runs = 3;

/**
 * CPU seconds of unmodified CloudSim 4.0 (OpenJDK 17) for day 20110303, start-up included.
 * Source: CloudSim 4.0, same class of machine (two shared cores, ± 20 %).
 */
const cloudSimCpuS: Readonly<Partial<Record<CloudSimDetector, number>>> = { thr: 61.44, lr: 93.6 };

export interface CloudSimCompatRow {
  readonly policy: string;
  readonly bestCpuS: number;
  readonly medianCpuS: number;
  /** CloudSim's CPU time over the median. */
  readonly ratio: number;
  readonly energyKwh: number;
}

/** Times THR-MMT and LR-MMT on the traces in `directory`; CloudSim's times are of day 20110303. */
export function benchCloudsimCompat(directory: string): CloudSimCompatRow[] {
  const traces = readTraceDirectory(directory);
  return Object.entries(cloudSimCpuS).map(([detector, referenceCpuS]) => {
    const cpuS: number[] = [];
    let energyKwh = 0;
    for (let run = 0; run < runs; run++) {
      const before = process.cpuUsage();
      ({ energyKwh } = runCloudSim({ traces, detector: detector as CloudSimDetector }));
      const { system, user } = process.cpuUsage(before);
      cpuS.push((system + user) / 1e6);
    }
    cpuS.sort((a, b) => a - b);
    const medianCpuS = cpuS[Math.floor(runs / 2)]!;
    return {
      policy: `${detector}-mmt`,
      bestCpuS: cpuS[0]!,
      medianCpuS,
      ratio: referenceCpuS / medianCpuS,
      energyKwh,
    };
  });
}

function main(directory: string): void {
  for (const row of benchCloudsimCompat(directory)) {
    const best = row.bestCpuS.toFixed(3);
    const median = row.medianCpuS.toFixed(3);
    const times = row.ratio.toFixed(0);
    console.log(
      `${row.policy}: best ${best}, median ${median} CPU s of ${runs}; CloudSim takes ${times} × as long; ${row.energyKwh} kWh`,
    );
  }
}

const script = process.argv[1];
if (script !== undefined && import.meta.url === pathToFileURL(realpathSync(script)).href) {
  main(process.argv[2] ?? '../shared/data/planetlab/20110303');
}
