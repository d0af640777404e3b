/** The CPUs that each vCPU of a running VM may use. */
import { cpuList } from '../telemetry/listing.ts';
import type { Action } from './action.ts';
import { readDomains, runningDomain } from './domains.ts';
import type { Operation } from './operation.ts';
import { refused } from './site.ts';
import { isSameCpus, readTuning, tuningSections } from './tuning.ts';

type PinVcpus = Extract<Operation, { type: 'pinVcpus' }>;

const online = { name: 'online', commands: 'cat /sys/devices/system/cpu/online' };

export const pinVcpus: Action<PinVcpus> = {
  steps: ({ vm, host, cpus }, site) => [
    {
      host,
      commands: cpus
        .map((list, vcpu) =>
          site.virsh(
            ...['vcpupin', '--domain', vm, '--live'],
            ...['--vcpu', String(vcpu), '--cpulist', list],
          ),
        )
        .join(' &&\n'),
    },
  ],
  async look({ vm, host, cpus }, site, limits) {
    const lists = cpus.map((list) => cpuList(list));
    const wrong = lists.findIndex((list) => list === undefined || list.length === 0);
    if (wrong >= 0) throw refused(host, `"${cpus[wrong]}" is no list of CPUs such as 0-3,8`);
    const extra = [...tuningSections(site, vm, 'live'), online];
    const reading = await readDomains(site, host, limits, vm, extra);
    runningDomain(reading, vm);
    const tuning = readTuning(host, reading.sections, 'live');
    if (cpus.length !== tuning.cpus.length) {
      throw refused(host, `${cpus.length} lists of CPUs for ${tuning.cpus.length} vCPUs`);
    }
    const there = cpuList(reading.sections.get('online')?.text);
    const missing = lists.flatMap((list) => list!).find((cpu) => there?.includes(cpu) === false);
    if (missing !== undefined) throw refused(host, `it has no CPU ${missing}, or it is off-line`);
    return {
      isDone: cpus.every((list, vcpu) => isSameCpus(list, tuning.cpus[vcpu])),
      undo: [{ type: 'pinVcpus', vm, host, cpus: tuning.cpus }],
      now: `its vCPUs may use ${tuning.cpus.join(' / ')}`,
    };
  },
  settleMs: ({ settleMs }) => settleMs,
};
