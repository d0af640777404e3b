/**
 * CloudSim 4.0's PlanetLab day, first as it is, then in the engine with one correction after the
 * other. What the engine never had (see `accuracy-page.ts`) cannot be taken apart.
 */

import { type CloudSimDetector, runCloudSim } from '../../sim/compat/cloudsim/index.ts';
import {
  buildModel,
  createPolicy,
  defaultObjective,
  type HostSpec,
  hostFromPreset,
  joulesPerKwh,
  type RunResult,
  runPolicy,
  sharedFloat64,
  Twin,
  type Workload,
} from '../../sim/index.ts';
import { readPlanetlab } from '../../traces/index.ts';
import { readTraceDirectory } from '../referee-cloudsim.ts';

/** Fractions as fractions; `undefined` where a program does not report the number. */
export interface CorrectionRow {
  readonly what: string;
  readonly energyKwh: number;
  readonly migrations: number;
  readonly slatah: number | undefined;
  readonly slatahPooled: number;
  readonly pdm: number | undefined;
  readonly pdmPooled: number;
}

/** What a host and its network are like; CloudSim's assumptions are the defaults. */
interface Cluster {
  readonly memoryLimited: boolean;
  readonly switching: boolean;
  readonly portBytesPerS: number;
}

const assumed: Cluster = { memoryLimited: false, switching: false, portBytesPerS: 1e15 };

const hostCount = 800;

/** @param directory The traces of one day. */
export function correctionRows(directory: string, detector: CloudSimDetector): CorrectionRow[] {
  const original = runCloudSim({ traces: readTraceDirectory(directory), detector });
  const { workload } = readPlanetlab(directory);
  const mortal = runDay(endAtRest(workload), detector, assumed);
  const survive = runDay(workload, detector, assumed);
  const memory = { ...assumed, memoryLimited: true };
  const switching = { ...memory, switching: true };
  const shared = { ...switching, portBytesPerS: 125e6 };
  return [
    {
      what: 'CloudSim 4.0, bit for bit (`sim/compat/cloudsim`)',
      energyKwh: original.energyKwh,
      migrations: original.migrations,
      slatah: undefined,
      slatahPooled: original.slatah,
      pdm: undefined,
      pdmPooled: original.pdm,
    },
    {
      ...rowOf('the engine under its assumptions, energy of 300 s to 86,100 s only', mortal),
      energyKwh: innerEnergyKwh(mortal),
    },
    rowOf('+ energy from 0 s to the end', mortal),
    rowOf('+ VMs survive a demand of zero', survive),
    rowOf('+ memory is a limit', runDay(workload, detector, memory)),
    rowOf('+ booting takes 150 s, off draws 5 W', runDay(workload, detector, switching)),
    rowOf('+ copies share ports of 1 Gbit/s', runDay(workload, detector, shared)),
  ];
}

/** VMs end where CloudSim removes them: at the first update that finds no demand at all. */
function endAtRest(workload: Workload): Workload {
  const { demandUnits, intervalMs, steps } = workload;
  const vms = workload.vmNames.length;
  const departureMs = sharedFloat64(vms);
  for (let vm = 0; vm < vms; vm++) {
    const units = (step: number): number => demandUnits[Math.min(step, steps - 1) * vms + vm]!;
    let step = 1;
    // Its updates come 0.1 s after a sample, on the line from that sample to the next.
    while (step < steps && units(step) + units(step + 1) > 0) step++;
    departureMs[vm] = step < steps ? step * intervalMs : Infinity;
  }
  return { ...workload, departureMs };
}

function runDay(workload: Workload, detector: CloudSimDetector, cluster: Cluster): RunResult {
  const hosts = Array.from({ length: hostCount }, (_, host): HostSpec => {
    const spec = hostFromPreset(host % 2 === 0 ? 'hp-ml110-g4' : 'hp-ml110-g5', `host-${host}`);
    return {
      ...spec,
      ...(cluster.memoryLimited ? {} : { memoryBytes: 1e15 }),
      ...(cluster.switching ? {} : { offW: 0, bootMs: 0, shutdownMs: 0 }),
    };
  });
  const model = buildModel({
    hosts,
    workload,
    migration: () => ({ bytesPerS: 62.5e6, dirtyIntensity: 0, workingSetBytes: 0 }),
    network: { type: 'star', portBytesPerS: cluster.portBytesPerS },
    migrationOverheadFraction: 0.1,
  });
  return runPolicy(Twin.create(model, 1), createPolicy(`${detector}-mmt`, 'policy'), {
    untilMs: workload.steps * workload.intervalMs,
    decisionEveryMs: workload.intervalMs,
    objective: defaultObjective,
  });
}

function rowOf(what: string, { summary }: RunResult): CorrectionRow {
  const { energyKwh, migrations, slatah, slatahPooled, pdm, pdmPooled } = summary;
  return { what, energyKwh, migrations, slatah, slatahPooled, pdm, pdmPooled };
}

/** Without the first and the last interval, which CloudSim does not count. */
function innerEnergyKwh({ series }: RunResult): number {
  let energyJ = 0;
  for (const [index, row] of series.entries()) {
    const next = series[index + 1];
    if (index === 0 || next === undefined) continue;
    energyJ += (row.powerW * (next.timeMs - row.timeMs)) / 1000;
  }
  return energyJ / joulesPerKwh;
}
