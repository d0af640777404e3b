/** Files of a host's emulated hardware, in a directory that this machine and the host both see. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostLayout, hardwareFilesOnHost } from '../layout.ts';
import type { TestbedPlan } from '../plan.ts';

export const hardwareFiles = {
  config: 'config.json',
  /** What is broken on purpose; may be written while the host runs. */
  faults: 'faults.json',
  /** What the meter at the host's plug shows. */
  meter: 'meter.json',
} as const;

/** Part of this machine that all hosts together get at their highest frequency. */
const machineFraction = 0.8;
/** Most of a real core that one emulated CPU is. */
const shareMax = 0.4;

/**
 * A host's hardware: as many CPUs as this machine has (libvirt and sysfs there show them anyway), each so
 * slow that all hosts can be busy at once.
 *
 * @param cpus Of this machine.
 */
export function hardwareConfig({ spec }: TestbedPlan, cpus: number): Record<string, unknown> {
  return {
    cpus,
    share: Math.min(shareMax, machineFraction / spec.hosts),
    ...spec.hardware,
    meterFile: `${hardwareFilesOnHost}/${hardwareFiles.meter}`,
    faultsFile: `${hardwareFilesOnHost}/${hardwareFiles.faults}`,
  };
}

/** Lets a host's VMs run as fast as this machine can, or no longer. */
export function setUncapped(host: HostLayout, isUncapped: boolean): void {
  const path = join(host.hardware, hardwareFiles.faults);
  if (isUncapped) writeFileSync(path, '{ "uncapped": true }\n');
  else rmSync(path, { force: true });
}
