/** One controller per journal, and per host: two journals for one cluster would fight over it. */
import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { Clock } from '../clock.ts';
import { type Lease, type LeaseHolder, leaseHolder, takeLease } from './lease.ts';
import { checkOwn } from './own-directory.ts';

/**
 * Where leases of hosts are: with the user's state, which cron, services and terminals agree on.
 *
 * @see https://specifications.freedesktop.org/basedir-spec/
 */
export function hostLeaseDirectory(): string {
  const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return join(state, 'wattwin', 'leases');
}

/** Where the lease of a journal is, without its number. */
const journalLeasePath = (directory: string): string => join(directory, 'controller');

/**
 * One name for a machine whoever logs in; names may be longer than files' names. What a name means
 * the ssh configuration says: `h1` by two of them are two machines.
 */
function hostLeasePath(leases: string, host: string, sshConfig: string): string {
  const machine = `${host.slice(host.lastIndexOf('@') + 1).toLowerCase()} ${sshConfig}`;
  return join(leases, createHash('sha256').update(machine).digest('hex').slice(0, 32));
}

export interface ControlOf {
  /** Of the journal; made where there is none. */
  readonly directory: string;
  readonly hosts: readonly string[];
  /** File of the ssh configuration that tells what their names mean; default: the user's own. */
  readonly sshConfig?: string | undefined;
  /** Where leases of hosts are. */
  readonly leases?: string;
}

/**
 * Takes a journal and all hosts of a cluster, or nothing.
 *
 * @returns One lease for all of it; its note is of the journal's, or of the first host that has one.
 * @throws OperationError `ERR_LEASE` naming what is held, by which process and since when; `ERR_JOURNAL`
 *   for a journal into which others can write.
 */
export function takeControl(
  { directory, hosts, sshConfig = '', leases = hostLeaseDirectory() }: ControlOf,
  clock: Clock,
): Lease {
  checkOwn(directory);
  const wanted = new Map([[journalLeasePath(directory), `the journal ${directory}`]]);
  // In one order for all: of two that want the same hosts, one gets them.
  for (const host of hosts.toSorted())
    wanted.set(hostLeasePath(leases, host, sshConfig), `host ${host}`);
  const taken: Lease[] = [];
  const release = (): void => {
    for (const lease of taken) lease.release();
  };
  try {
    for (const [path, what] of wanted) taken.push(takeLease(path, what, clock));
  } catch (error) {
    release();
    throw error;
  }
  const note = taken.find((lease) => lease.note !== undefined)?.note;
  return { holder: taken[0]!.holder, ...(note === undefined ? {} : { note }), release };
}

/** Which process controls by this journal now; `undefined` for none. */
export const journalHolder = (directory: string): LeaseHolder | undefined =>
  leaseHolder(journalLeasePath(directory));
