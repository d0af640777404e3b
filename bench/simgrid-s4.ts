/**
 * Demand changes per CPU second of the scale scenario, against SimGrid's: every VM changes its
 * demand every 300 s for a day. `npx tsx bench/simgrid-s4.ts`, or with `npm run bench`.
 *
 * SimGrid is measured in the same run when its library and a compiler are there (Debian:
 * `apt-get install libsimgrid-dev g++`); otherwise constants measured before are used.
 */

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { buildGeneratorModel, type SimGridGenerator } from '../sim/compat/simgrid/index.ts';
import { advance, type ClusterModel, energyNowJ, Twin } from '../sim/index.ts';

/** Timed runs of ours, after as many untimed ones; runs of SimGrid. */
const runs = 9;
const simGridRuns = 3;

/** The scenario's sizes, and SimGrid's time and result for each. */
const sizes = [
  { hosts: 100, vms: 1000, simGridCpuS: 0.42, energyJ: 1824716083.125 },
  { hosts: 800, vms: 1052, simGridCpuS: 0.935, energyJ: 8506142111.25 },
  { hosts: 1000, vms: 10000, simGridCpuS: 14.04, energyJ: 17678261877.1875 },
] as const;

/**
 * Where `simGridCpuS` comes from: SimGrid 3.32 (Debian 3.32-2+b2), VM objects and aligned dates as
 * in `simgrid/s4.cpp`, on a busy machine of two shared cores, where CPU times repeat within 20 %.
 */
const storedSource = 'stored: SimGrid 3.32, Debian 3.32-2+b2, two shared cores';

export interface SimGridS4Row {
  readonly hosts: number;
  readonly vms: number;
  readonly changes: number;
  readonly bestCpuS: number;
  readonly medianCpuS: number;
  /** Demand changes per CPU second, best and median run. */
  readonly bestPerS: number;
  readonly medianPerS: number;
  /** SimGrid's best CPU time and where it comes from. */
  readonly simGridCpuS: number;
  readonly simGridSource: string;
  /** SimGrid's best time over our best, and over our median. */
  readonly bestRatio: number;
  readonly medianRatio: number;
  /** Whether the total energy equals SimGrid's to the last bit. */
  readonly sameEnergy: boolean;
}

/** Runs all sizes. Takes about a minute when SimGrid is there. */
export function benchSimgridS4(): SimGridS4Row[] {
  const simGrid = buildSimGrid();
  try {
    return sizes.map((size) => benchSize(size, simGrid?.program));
  } finally {
    if (simGrid) rmSync(simGrid.directory, { recursive: true });
  }
}

function benchSize(size: (typeof sizes)[number], program: string | undefined): SimGridS4Row {
  const generator = scaleGenerator(size.hosts, size.vms);
  const model = buildGeneratorModel(generator);
  const changes = size.vms * generator.steps;
  const endMs = generator.steps * generator.interval * 1000;
  for (let run = 0; run < runs; run++) timeRun(model, endMs);
  const timed = Array.from({ length: runs }, () => timeRun(model, endMs));
  const times = timed.map(({ cpuS }) => cpuS).sort((a, b) => a - b);
  const bestCpuS = times[0]!;
  const medianCpuS = times[Math.floor(runs / 2)]!;
  const measured = program === undefined ? undefined : timeSimGrid(program, generator);
  const simGridCpuS = measured?.cpuS ?? size.simGridCpuS;
  const energyJ = measured?.energyJ ?? size.energyJ;
  return {
    hosts: size.hosts,
    vms: size.vms,
    changes,
    bestCpuS,
    medianCpuS,
    bestPerS: changes / bestCpuS,
    medianPerS: changes / medianCpuS,
    simGridCpuS,
    simGridSource: measured === undefined ? storedSource : 'measured in this run',
    bestRatio: simGridCpuS / bestCpuS,
    medianRatio: simGridCpuS / medianCpuS,
    sameEnergy: timed.every((run) => run.energyJ === energyJ),
  };
}

function scaleGenerator(hosts: number, vms: number): SimGridGenerator {
  return {
    host_count: hosts,
    cores: 16,
    speed: 2e9,
    idle: 90,
    epsilon: 105,
    max: 250,
    watts_off: 0,
    vm_count: vms,
    vm_vcpus_cycle: [1, 2, 4, 8, 2, 1, 4, 2],
    interval: 300,
    steps: 288,
    seed0: 12345,
  };
}

/** Simulates the day on a fresh twin with all meters on; the model and its demand are given. */
function timeRun(model: ClusterModel, endMs: number): { cpuS: number; energyJ: number } {
  const twin = Twin.create(model, 0);
  const before = process.cpuUsage();
  advance(twin, endMs);
  const { system, user } = process.cpuUsage(before);
  return { cpuS: (system + user) / 1e6, energyJ: energyNowJ(twin) };
}

/** Compiles `simgrid/s4.cpp`; undefined when that cannot be done here. */
function buildSimGrid(): { directory: string; program: string } | undefined {
  const source = ['simgrid/s4.cpp', '../../bench/simgrid/s4.cpp']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path));
  if (source === undefined) return undefined;
  const directory = mkdtempSync(join(tmpdir(), 'simgrid-s4-'));
  const program = join(directory, 's4');
  const { status } = spawnSync('g++', ['-O2', '-std=c++17', source, '-lsimgrid', '-o', program]);
  if (status === 0) return { directory, program };
  rmSync(directory, { recursive: true });
  return undefined;
}

/** SimGrid's best CPU time for the simulation alone, without building the platform. */
function timeSimGrid(
  program: string,
  { host_count, vm_count, steps }: SimGridGenerator,
): { cpuS: number; energyJ: number } {
  const results = Array.from({ length: simGridRuns }, () => {
    const { stdout } = spawnSync(program, [`${host_count}`, `${vm_count}`, `${steps}`]);
    return JSON.parse(stdout.toString()) as { cpuS: number; energyJ: number };
  });
  return results.reduce((best, result) => (result.cpuS < best.cpuS ? result : best));
}

function main(): void {
  const load = loadavg()[0]?.toFixed(1);
  console.log(
    `Node ${process.version}, ${cpus()[0]?.model}, ${availableParallelism()} cores, load ${load}`,
  );
  for (const row of benchSimgridS4()) {
    const speed = `${(row.bestPerS / 1e6).toFixed(1)} M changes/s (median ${(row.medianPerS / 1e6).toFixed(1)})`;
    const ratio = `${row.bestRatio.toFixed(0)} × SimGrid (median ${row.medianRatio.toFixed(0)})`;
    const energy = row.sameEnergy ? 'same energy' : 'ENERGY DIFFERS';
    console.log(
      `${row.hosts} hosts, ${row.vms} VMs: ${speed}, ${ratio}, ${row.simGridCpuS.toFixed(3)} CPU s ${row.simGridSource}; ${energy}`,
    );
  }
}

const script = process.argv[1];
if (script !== undefined && import.meta.url === pathToFileURL(realpathSync(script)).href) main();
