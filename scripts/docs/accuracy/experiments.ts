/** Energy accounting and control: what was published with them, and budgets that are to be kept. */

import { taskLimitsW, vmLimitW } from '../../../sim/accounting/experiments/guest-containers.ts';
import { blockSizeSweep, guestContainers } from '../../../sim/index.ts';
import type { AccuracyGroup } from './row.ts';

/**
 * CPU power of the disk driver at blocks of 0.5 and 32 KiB, read from a figure to about a watt: Stoess, Lang &
 * Bellosa, USENIX ATC 2007.
 */
const publishedDriverW = [9, 1] as const;

export const experiments: AccuracyGroup = {
  name: 'experiments',
  kind: 'meters',
  measure() {
    const sweep = blockSizeSweep(1);
    const driver = [sweep[0]!, sweep.at(-1)!].map(({ driverActiveW }) => driverActiveW.toFixed(1));
    return [
      {
        model: 'CPU power of a disk driver, by size of block',
        page: 'energy-accounting',
        referee: `published measurement: about ${publishedDriverW.join(' and ')} W at 0.5 and 32 KiB; the cost of a request was chosen to meet the first`,
        error: `ours ${driver.join(' and ')} W`,
      },
    ];
  },
};

export const budgetLoops: AccuracyGroup = {
  name: 'budgets',
  kind: 'exact',
  measure() {
    const guest = guestContainers().find(({ enforcement }) => enforcement === 'guest')!;
    const tasks = guest.taskW.map((watts, task) => Math.abs(watts - taskLimitsW[task]!));
    return [
      {
        model: 'Budgets of a VM and of the tasks inside',
        page: 'energy-accounting',
        referee: `their budgets, ${vmLimitW} W and ${taskLimitsW.join(' and ')} W, mean of 20 s`,
        error: `tasks within ${Math.max(...tasks).toFixed(2)} W; the VM ${(vmLimitW - guest.totalW).toFixed(1)} W below`,
      },
    ];
  },
};
