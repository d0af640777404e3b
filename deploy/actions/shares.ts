/** How a running VM's CPU time is weighed against the others'. */
import type { Action } from './action.ts';
import { readDomains, runningDomain } from './domains.ts';
import type { Operation } from './operation.ts';
import { refused } from './site.ts';
import { readTuning, tuningSections } from './tuning.ts';

type SetShares = Extract<Operation, { type: 'setShares' }>;

/** What the kernel takes: `cpu.shares` of cgroup v1, `cpu.weight` of v2. */
const ranges = { v1: [2, 262_144], v2: [1, 10_000] } as const;

/** v2 alone has this file at its root. */
const version = {
  name: 'cgroup',
  commands: '[ -e /sys/fs/cgroup/cgroup.controllers ] && echo v2 || echo v1',
};

export const setShares: Action<SetShares> = {
  steps: ({ vm, host, shares }, site) => [
    {
      host,
      commands: site.virsh('schedinfo', '--domain', vm, '--live', '--set', `cpu_shares=${shares}`),
    },
  ],
  async look({ vm, host, shares }, site, limits) {
    const extra = [...tuningSections(site, vm, 'live'), version];
    const reading = await readDomains(site, host, limits, vm, extra);
    runningDomain(reading, vm);
    const tuning = readTuning(host, reading.sections, 'live');
    if (tuning.shares === undefined) {
      throw refused(host, 'its libvirt has no CPU shares (no CPU cgroup controller)');
    }
    const kind = reading.sections.get('cgroup')?.text === 'v2' ? 'v2' : 'v1';
    const [least, most] = ranges[kind];
    if (!(Number.isInteger(shares) && shares >= least && shares <= most)) {
      throw refused(
        host,
        `CPU shares are ${least} to ${most} there (cgroup ${kind}), not ${shares}`,
      );
    }
    return {
      isDone: tuning.shares === shares,
      undo: [{ type: 'setShares', vm, host, shares: tuning.shares }],
      now: `it has ${tuning.shares} shares`,
    };
  },
  settleMs: ({ settleMs }) => settleMs,
};
