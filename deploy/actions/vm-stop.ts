/** Shutting a VM down, or pulling its plug where that was asked for. */
import { OperationError } from '../operation-error.ts';
import type { Action, Look } from './action.ts';
import { sizeInXml } from './domain-xml.ts';
import { domainNamed, readDomains, runningDomain } from './domains.ts';
import type { Operation } from './operation.ts';
import { textOf } from './said.ts';
import { send, settle } from './settle.ts';
import { refused } from './site.ts';
import {
  defaultPeriodUs,
  isSameCpus,
  quotaCores,
  readTuning,
  type Tuning,
  tuningOperations,
  tuningSections,
} from './tuning.ts';
import { quoted } from './vm-name.ts';

type StopVm = Extract<Operation, { type: 'stopVm' }>;

export const stopVm: Action<StopVm> = {
  steps: ({ vm, host, force }, site) => [
    {
      host,
      commands: force
        ? site.virsh('destroy', '--domain', vm)
        : site.virsh('shutdown', '--domain', vm, '--mode', 'acpi'),
    },
  ],
  async look({ vm, host }, site, limits) {
    const reading = await readDomains(site, host, limits, vm, [
      ...tuningSections(site, vm, 'live'),
      ...tuningSections(site, vm, 'config'),
      { name: 'next', commands: site.virshRead('dumpxml', '--inactive', '--domain', vm) },
    ]);
    const domain = domainNamed(reading, vm);
    const now = `it is ${domain.state}`;
    if (!domain.isActive) return { isDone: true, undo: [], now };
    if (domain.state === 'shutting down') return { isDone: false, undo: [], now };
    runningDomain(reading, vm);
    if (!domain.isPersistent) {
      throw refused(host, `VM ${quoted(vm)} is transient: stopping it would delete it`);
    }
    const live = readTuning(host, reading.sections, 'live');
    const config = readTuning(host, reading.sections, 'config');
    const restart: Operation = { type: 'startVm', vm, host };
    const next = sizeInXml(textOf(host, reading.sections, 'next', 'reading its definition'));
    const undo = [
      restart,
      ...(next.vcpus !== undefined && domain.vcpus > next.vcpus
        ? [{ type: 'setVcpus', vm, host, vcpus: domain.vcpus } as const]
        : []),
      ...(next.memoryBytes === undefined || next.memoryBytes === domain.currentBytes
        ? []
        : [{ type: 'setMemory', vm, host, bytes: domain.currentBytes } as const]),
      ...changedSinceStart(vm, host, live, config),
    ];
    return { isDone: false, undo, now };
  },
  settleMs: ({ stopMs }) => stopMs,
  async carryOut(operation, _look, site, limits) {
    const { vm, host, force = false } = operation;
    const { stopMs, askAgainMs } = site.timings;
    const lastMs = site.clock.monotonicMs() + stopMs;
    for (;;) {
      const nowMs = site.clock.monotonicMs();
      let blame: OperationError | undefined;
      try {
        for (const step of stopVm.steps(operation, site)) await send(step, site, limits);
      } catch (error) {
        if (!(error instanceof OperationError) || error.code === 'ERR_INTERRUPTED') throw error;
        blame = error;
      }
      try {
        // A guest that is still booting does not hear the first call.
        const untilMs = Math.min(lastMs, nowMs + (force ? stopMs : askAgainMs));
        await settle<StopVm, Look>(stopVm, operation, site, limits, { untilMs, blame });
        return { how: force ? 'force' : 'ACPI' };
      } catch (error) {
        const isDeaf = error instanceof OperationError && error.code === 'ERR_NOT_APPLIED';
        if (!isDeaf || site.clock.monotonicMs() < lastMs) {
          if (isDeaf) continue;
          throw error;
        }
        throw new OperationError(
          'ERR_NOT_APPLIED',
          host,
          `${host}: VM ${quoted(vm)} did not shut down within ${stopMs / 1000} s of being asked to, and still runs`,
        );
      }
    }
  },
};

const periodOf = ({ periodUs = defaultPeriodUs }: Tuning): number => periodUs;

/** What was set while it ran and would be gone with a restart. */
function changedSinceStart(vm: string, host: string, live: Tuning, config: Tuning): Operation[] {
  const isChanged: Partial<Record<Operation['type'], boolean>> = {
    setQuota: quotaCores(live) !== quotaCores(config) || periodOf(live) !== periodOf(config),
    setShares: live.shares !== config.shares,
    pinVcpus: live.cpus.some((cpus, vcpu) => !isSameCpus(cpus, config.cpus[vcpu])),
  };
  return tuningOperations(vm, host, live).filter(({ type }) => isChanged[type]);
}
