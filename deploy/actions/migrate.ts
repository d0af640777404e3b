/**
 * Live migration, peer to peer: the source's libvirt does it, so it goes on if the connection to us does not.
 * Whatever the command said, both hosts are asked afterwards where the VM is.
 */
import { isIPv6 } from 'node:net';
import { OperationError } from '../operation-error.ts';
import { isHostName } from '../ssh/host-name.ts';
import type { Action, Look, Step } from './action.ts';
import {
  busy,
  type Domain,
  domainNamed,
  freeMemory,
  type HostDomains,
  readDomains,
  runningDomain,
} from './domains.ts';
import type { Effect } from './executor.ts';
import { readJobInfo } from './job-info.ts';
import {
  filesToMake,
  makeFiles,
  type NewFile,
  removeFiles,
  xmlSection,
} from './migration-disks.ts';
import { placeOf } from './migration-place.ts';
import { type Migrate, Migration } from './migration-run.ts';
import { mib, type Operation } from './operation.ts';
import { textOf } from './said.ts';
import { refused, type Site, stopIfAborted } from './site.ts';
import { quoted } from './vm-name.ts';

interface MigrationLook extends Look {
  /** Files that its disks need on the target. */
  readonly files: readonly NewFile[];
}

/** How the source reaches the target's libvirt. */
function targetUri({ to }: Migrate, site: Site): string {
  const address = site.host(to).address ?? to;
  if (!isHostName(address)) throw refused(to, `"${address}" is no address`);
  const { uri } = site.cluster.libvirt.migration;
  return uri.replaceAll('{address}', isIPv6(address) ? `[${address}]` : address);
}

/** `virsh migrate`, run on the source. */
function migrateCommand(operation: Migrate, site: Site): string {
  const { vm, storage, bandwidthMibps, autoConverge, postCopy } = operation;
  const { unsafe } = site.cluster.libvirt.migration;
  const flag = (name: string, isOn: boolean | undefined): string[] => (isOn === true ? [name] : []);
  return site.virsh(
    ...['migrate', '--live', '--p2p', '--persistent', '--undefinesource'],
    ...flag('--copy-storage-all', storage === 'copy'),
    // Of no effect on a VM without a disk.
    ...flag('--unsafe', unsafe && storage !== 'copy'),
    ...flag('--auto-converge', autoConverge),
    ...flag('--postcopy', postCopy),
    ...(bandwidthMibps === undefined
      ? []
      : ['--bandwidth', String(Math.max(1, Math.round(bandwidthMibps)))]),
    ...['--domain', vm, '--desturi', targetUri(operation, site)],
  );
}

export const migrate: Action<Migrate, MigrationLook> = {
  steps(operation, site) {
    const copies: Step[] =
      operation.storage === 'copy'
        ? // Disks are known only when the host is asked.
          [
            {
              host: operation.to,
              commands: site.root('truncate -s BYTES FILE # each disk, if it is not there'),
            },
          ]
        : [];
    return [...copies, { host: operation.from, commands: migrateCommand(operation, site) }];
  },
  async look(operation, site, limits) {
    const { vm, from, to, storage } = operation;
    if (from === to) throw refused(from, `VM ${quoted(vm)} cannot be moved to where it is`);
    const extra = storage === 'copy' ? [xmlSection(site, vm)] : [];
    const [source, target] = await Promise.all([
      readDomains(site, from, limits, vm, extra),
      readDomains(site, to, limits, vm),
    ]);
    const undo: readonly Operation[] = [{ ...operation, from: to, to: from }];
    switch (placeOf(vm, source, target)) {
      case 'moving':
        throw busy(
          from,
          vm,
          source.job?.isActive ? source.job : { isActive: true, operation: 'a migration' },
        );
      case 'both':
        throw new OperationError(
          'ERR_VM_TWICE',
          from,
          `VM ${quoted(vm)} runs on ${from} and on ${to}`,
        );
      case 'target':
        return { isDone: true, undo, now: `it is on ${to}`, files: [] };
      case 'neither':
        domainNamed(source, vm);
        break;
      case 'source':
    }
    const domain = runningDomain(source, vm);
    if (!domain.isPersistent)
      throw refused(from, `VM ${quoted(vm)} is transient: whoever made it must move it`);
    checkMemory(site, domain, target);
    const files =
      storage === 'copy'
        ? filesToMake(domain, textOf(from, source.sections, 'xml', 'reading its disks'), target)
        : [];
    return { isDone: false, undo, now: `it is on ${from}`, files };
  },
  settleMs: ({ placeMs }) => placeMs,
  async carryOut(operation, { files }, site, limits) {
    const { from, to } = operation;
    // Without the signal: cut off in between, nobody would know what was made.
    const made = await makeFiles(site, to, files, {});
    if (limits.signal?.aborted === true) await removeFiles(site, to, made);
    stopIfAborted(from, limits);
    const end = await new Migration(operation, migrateCommand(operation, site), site, limits).run();
    if (end.place === 'target') return await effectOf(operation, end.how, site);
    // Only where it surely stayed: in doubt a file is the VM's.
    if (end.place === 'source') await removeFiles(site, to, made).catch(orLeave);
    throw end.error ?? new OperationError('ERR_MIGRATION', from, `${from}: the migration failed`);
  },
};

/** Files that cannot be removed are no reason to hide why the migration failed. */
function orLeave(error: unknown): void {
  if (!(error instanceof OperationError)) throw error;
}

function checkMemory(site: Site, domain: Domain, target: HostDomains): void {
  const free = freeMemory(site, target);
  if (free !== undefined && domain.currentBytes > free) {
    throw refused(
      target.host,
      `it lacks memory for VM ${quoted(domain.name)}: ${mib(free)} left, ${mib(domain.currentBytes)} needed`,
    );
  }
}

/** What libvirt tells of it on the target; nothing where it tells nothing. */
async function effectOf(
  { vm, to }: Migrate,
  how: string | undefined,
  site: Site,
): Promise<Omit<Effect, 'elapsedMs' | 'didChange'>> {
  const words = ['domjobinfo', '--domain', vm, '--completed'];
  const sections = [{ name: 'job', commands: site.virshRead(...words) }];
  const answer = await site.ask(to, sections, {}).catch(orLeave);
  const output = answer?.sections.get('job');
  const { downtimeMs, processedBytes } = readJobInfo(output?.status === 0 ? output.text : '');
  return {
    ...(downtimeMs === undefined ? {} : { downtimeMs }),
    ...(processedBytes === undefined ? {} : { transferredBytes: processedBytes }),
    ...(how === undefined ? {} : { how }),
  };
}
