/** libvirt of a host, asked from this machine through the host's socket: no ssh, no login. */

import type { CgroupHierarchy } from '../hosts/control-groups.ts';
import { firstProcess } from '../hosts/life.ts';
import type { HostLayout } from '../layout.ts';
import type { Programs, RunOptions } from '../programs.ts';
import { TestbedError } from '../testbed-error.ts';

/** The connection URI of a socket that is seen in the root of the host's process 1. */
export function socketUri(firstPid: number, isReadOnly: boolean): string {
  const socket = `/proc/${firstPid}/root/run/libvirt/libvirt-sock${isReadOnly ? '-ro' : ''}`;
  return `qemu:///system?socket=${socket}`;
}

/**
 * Runs `virsh` against a host.
 *
 * @throws TestbedError when the host is down or virsh fails.
 */
export async function virsh(
  host: HostLayout,
  args: readonly string[],
  tools: { readonly programs: Programs; readonly hierarchies: readonly CgroupHierarchy[] },
  options: RunOptions & { readonly isReadOnly?: boolean } = {},
): Promise<string> {
  const pid = firstProcess(host, tools.hierarchies);
  if (pid === undefined) throw new TestbedError('ERR_HOST', `${host.name} is down`);
  const { isReadOnly = false, ...rest } = options;
  const uri = socketUri(pid, isReadOnly);
  const command = ['virsh', '-q', ...(isReadOnly ? ['-r'] : []), '-c', uri, ...args];
  return await tools.programs.run(command, { code: 'ERR_VM', ...rest });
}
