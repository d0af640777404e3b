/**
 * Two clients read blocks of 32 KiB from one disk under power limits that change while they run: each
 * follows its own limit, and neither feels the other's.
 */
import { RandomStream } from '../../numbers/rng.ts';
import { Budgets } from '../control/budgets.ts';
import { EnergyManager } from '../control/energy-manager.ts';
import { DiskMachine } from './disk-machine.ts';

/** One period of the disk loop. */
export interface DiskLimitRow {
  readonly timeS: number;
  /** Per client: its limit (Infinity for none), what its disk took, driver included, W. */
  readonly limitW: readonly number[];
  readonly powerW: readonly number[];
  readonly megabytesPerS: readonly number[];
}

/** Limits in force from `timeS` on, in mW; `none` lifts one. */
export const diskLimitCommands: readonly { readonly timeS: number; readonly command: string }[] = [
  { timeS: 4, command: 'disk 0 1000' },
  { timeS: 4, command: 'disk 1 1000' },
  { timeS: 12, command: 'disk 0 500' },
  { timeS: 20, command: 'disk 0 750' },
  { timeS: 28, command: 'disk 0 none' },
];

const tickMs = 10;
const blockBytes = 32 * 1024;

/** 36 s in rows of 200 ms. */
export function diskLimits(seed: number, seconds = 36): DiskLimitRow[] {
  const machine = new DiskMachine(2, blockBytes, new RandomStream(seed, 'meter'));
  const budgets = new Budgets(2);
  const manager = new EnergyManager(budgets);
  const { collectMs, diskMs } = manager.periods;
  const allowed = new Float64Array(2);
  const none = new Float64Array(2);
  const rows: DiskLimitRow[] = [];
  let diskJ = new Float64Array(2);
  let requests = new Float64Array(2);
  const row = { diskJ: new Float64Array(2), requests: new Float64Array(2) };
  for (let nowMs = 0; nowMs < seconds * 1000; ) {
    for (const { timeS, command } of diskLimitCommands) {
      if (timeS * 1000 === nowMs) budgets.command(command);
    }
    if (nowMs % manager.windowMs === 0) {
      for (let client = 0; client < 2; client++)
        allowed[client] = manager.throttle.allowance(client);
    }
    const period = machine.run(tickMs / 1000, allowed);
    nowMs += tickMs;
    for (let client = 0; client < 2; client++) {
      diskJ[client]! += period.diskJ[client]!;
      requests[client]! += period.requests[client]!;
    }
    if (nowMs % collectMs !== 0) continue;
    for (let client = 0; client < 2; client++) {
      row.diskJ[client]! += diskJ[client]!;
      row.requests[client]! += requests[client]!;
    }
    manager.collect({ cpuJ: none, diskJ, requests });
    diskJ = new Float64Array(2);
    requests = new Float64Array(2);
    if (nowMs % diskMs !== 0) continue;
    rows.push({
      timeS: nowMs / 1000,
      limitW: [budgets.get('disk', 0), budgets.get('disk', 1)],
      powerW: Array.from(row.diskJ, (joules) => joules / (diskMs / 1000)),
      megabytesPerS: Array.from(row.requests, (n) => (n * blockBytes) / 1e6 / (diskMs / 1000)),
    });
    row.diskJ.fill(0);
    row.requests.fill(0);
  }
  return rows;
}
