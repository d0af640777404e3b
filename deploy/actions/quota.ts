/** The most CPU that each vCPU of a running VM gets. */
import type { Action } from './action.ts';
import { readDomains, runningDomain } from './domains.ts';
import type { Operation } from './operation.ts';
import { refused } from './site.ts';
import {
  defaultPeriodUs,
  quotaCores,
  readTuning,
  type Tuning,
  tuningOperations,
  tuningSections,
} from './tuning.ts';

type SetQuota = Extract<Operation, { type: 'setQuota' }>;

/** libvirt's least quota and its range of periods, µs. */
const quotaMinUs = 1000;
const periodRangeUs = [1000, 1_000_000] as const;

const periodOf = ({ periodUs = defaultPeriodUs }: SetQuota): number => periodUs;
const quotaOf = (operation: SetQuota): number =>
  operation.coresPerVcpu === null ? -1 : Math.round(operation.coresPerVcpu * periodOf(operation));

export const setQuota: Action<SetQuota> = {
  steps: (operation, site) => [
    {
      host: operation.host,
      commands: site.virsh(
        ...['schedinfo', '--domain', operation.vm, '--live'],
        ...[
          '--set',
          `vcpu_period=${periodOf(operation)}`,
          '--set',
          `vcpu_quota=${quotaOf(operation)}`,
        ],
      ),
    },
  ],
  async look(operation, site, limits) {
    const { host, vm, coresPerVcpu } = operation;
    const period = periodOf(operation);
    if (!(period >= periodRangeUs[0] && period <= periodRangeUs[1])) {
      throw refused(host, `a period of ${period} µs is outside of 1000 to 1000000`);
    }
    if (coresPerVcpu !== null && !(quotaOf(operation) >= quotaMinUs)) {
      const least = quotaMinUs / period;
      throw refused(host, `${coresPerVcpu} cores per vCPU are too few: at least ${least}`);
    }
    const reading = await readDomains(site, host, limits, vm, tuningSections(site, vm, 'live'));
    runningDomain(reading, vm);
    const tuning = readTuning(host, reading.sections, 'live');
    if (tuning.quotaUs === undefined) {
      throw refused(host, 'its libvirt has no CPU quota (no CPU cgroup controller)');
    }
    const cores = quotaCores(tuning);
    const now = cores === null ? 'it has no quota' : `its quota is ${cores} cores per vCPU`;
    const undo = tuningOperations(vm, host, tuning).slice(0, 1);
    return { isDone: isSo(operation, tuning), undo, now };
  },
  settleMs: ({ settleMs }) => settleMs,
};

/** A quota is what it comes to: 10 ms in 20 are 50 in 100, unless a period was asked for. */
function isSo(operation: SetQuota, tuning: Tuning): boolean {
  const { periodUs = defaultPeriodUs } = tuning;
  if (operation.periodUs !== undefined && operation.periodUs !== periodUs) return false;
  const cores = quotaCores(tuning);
  if (cores === null || operation.coresPerVcpu === null) return cores === operation.coresPerVcpu;
  return Math.abs(cores - operation.coresPerVcpu) * periodUs < 1;
}
