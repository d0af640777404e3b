/** Virtual RAPL counters of all VMs as files, a directory each, for any RAPL reader. */
import { join } from 'node:path';
import { type Twin, virtualEnergyFiles } from '../sim/index.ts';
import { writeAtomically } from './files.ts';

/** Writes `directory/VM/intel-rapl:0/energy_uj` and what belongs to it. The twin must be settled. */
export function writeVirtualEnergy(directory: string, twin: Twin): void {
  twin.model.workload.vmNames.forEach((name, vm) => {
    for (const [path, content] of virtualEnergyFiles(twin, vm)) {
      writeAtomically(join(directory, directoryName(name), path), content);
    }
  });
}

/** A VM's name as the name of one directory. */
function directoryName(name: string): string {
  return encodeURIComponent(name).replace(/^\.+$/, (dots) => '%2E'.repeat(dots.length));
}
