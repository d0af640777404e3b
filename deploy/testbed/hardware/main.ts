/**
 * The emulated hardware of one testbed host, as a program:
 *
 *     node main.js --mount /run/hw --config FILE
 *
 * It prints `ready` when the files are mounted, and ends when they are unmounted or on SIGTERM or
 * SIGINT. Below the mount stand `cpufreq/`, `powercap/` and `proc/`, to be bound over the real ones.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openCgroups } from './cgroup-layout.ts';
import { machineClock } from './clock.ts';
import { ConfigError, type HardwareConfig, parseConfig } from './config.ts';
import { FaultsFile } from './faults.ts';
import { numberTree } from './file-tree.ts';
import { mountTree } from './fuse-server.ts';
import { HostHardware } from './host-hardware.ts';
import { writeReading } from './meter.ts';

function report(message: string): void {
  process.stderr.write(`${message}\n`);
}

/** Reports the same trouble once, however often it comes. */
function reportChanges(): (message: string) => void {
  let last = '';
  return (message) => {
    if (message !== last) report(message);
    last = message;
  };
}

/** A file that this program itself serves would make it wait for itself. */
function checkOutside(mount: string, key: string, path: string): void {
  const inside = relative(resolve(mount), resolve(path));
  if (inside === '' || !inside.startsWith('..')) {
    throw new ConfigError(key, `a path outside ${mount}`, path);
  }
}

/** The machine's own CPUs, unless an earlier life of this program is still bound over them, dead. */
function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch (error) {
    report(`/proc/cpuinfo: ${(error as Error).message}`);
    return '';
  }
}

async function run(mount: string, configFile: string): Promise<void> {
  const config: HardwareConfig = parseConfig(readFileSync(configFile, 'utf8'));
  const faultsFile = config.faultsFile ?? join(dirname(configFile), 'faults.json');
  checkOutside(mount, 'faultsFile', faultsFile);
  checkOutside(mount, 'cgroupRoot', config.cgroupRoot);
  const { meterFile } = config;
  if (meterFile !== undefined) checkOutside(mount, 'meterFile', meterFile);
  const faults = new FaultsFile(faultsFile, report);
  faults.look();
  const hardware = new HostHardware(config, {
    clock: machineClock,
    cgroups: openCgroups(config.cgroupRoot),
    faults: () => faults.current,
    cpuinfo: readCpuinfo(),
    bootId: readFileSync('/proc/sys/kernel/random/uuid', 'utf8').trim(),
  });
  if (meterFile !== undefined) writeReading(meterFile, hardware.readMeter());
  const tree = await mountTree(numberTree(hardware.files()), mount, machineClock);
  const trouble = reportChanges();
  /** What goes wrong in one round may go right in the next: a host does not lose its hardware. */
  const guarded = (work: () => void) => (): void => {
    try {
      work();
    } catch (error) {
      trouble((error as Error).message);
    }
  };
  const stops = [
    machineClock.every(
      config.tickMs,
      guarded(() => {
        faults.look();
        hardware.tick();
      }),
    ),
  ];
  if (meterFile !== undefined) {
    const measure = guarded(() => writeReading(meterFile, hardware.readMeter()));
    stops.push(machineClock.every(config.meterMs, measure));
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => tree.unmount());
  }
  process.stdout.write('ready\n');
  try {
    await tree.ended;
  } finally {
    for (const stop of stops) stop();
    hardware.release();
    process.removeAllListeners('SIGTERM');
    process.removeAllListeners('SIGINT');
  }
}

try {
  const { values } = parseArgs({
    options: { mount: { type: 'string' }, config: { type: 'string' } },
  });
  const { mount, config } = values;
  if (mount === undefined || config === undefined) {
    throw new Error('usage: node main.js --mount DIRECTORY --config FILE');
  }
  await run(mount, config);
} catch (error) {
  report((error as Error).message);
  process.exitCode = 1;
}
