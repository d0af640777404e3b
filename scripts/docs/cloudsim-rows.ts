/** Stored totals of CloudSim 4.0's own runs against ours, bit for bit. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type CloudSimDetector,
  type CloudSimSelection,
  runCloudSim,
} from '../../sim/compat/cloudsim/index.ts';
import { readTraceDirectory } from '../referee-cloudsim.ts';

export interface CloudSimCount {
  readonly runs: number;
  readonly equal: number;
  readonly days: readonly string[];
}

/** Runs every stored row but those of selection `rs`, which CloudSim does not seed. */
export function countEqualRuns(reference: string): CloudSimCount {
  const file = join(reference, 'reference', 'cloudsim', 'reference.csv');
  const [header = '', ...lines] = readFileSync(file, 'utf8').trimEnd().split('\n');
  const names = header.split(',');
  const days = new Map<string, Uint8Array[]>();
  let runs = 0;
  let equal = 0;
  for (const line of lines) {
    const values = line.split(',');
    const cell = (name: string): string => values[names.indexOf(name)] ?? '';
    if (cell('sel') === 'rs') continue;
    const day = cell('day');
    const traces = days.get(day) ?? readTraceDirectory(join(reference, 'data', 'planetlab', day));
    days.set(day, traces);
    const result = runCloudSim({
      traces,
      detector: cell('alloc') as CloudSimDetector,
      selection: (cell('sel') || 'mmt') as CloudSimSelection,
    });
    const same =
      result.energyJ === Number(cell('energy_J')) &&
      result.migrations === Number(cell('migrations')) &&
      result.slaOverall === Number(cell('sla_overall')) &&
      result.slatah === Number(cell('slatah')) &&
      result.pdm === Number(cell('pdm')) &&
      result.slav === Number(cell('slav')) &&
      result.shutdowns === Number(cell('host_shutdowns'));
    runs++;
    if (same) equal++;
  }
  return { runs, equal, days: [...days.keys()] };
}
