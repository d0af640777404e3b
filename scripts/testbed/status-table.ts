/** A testbed's state as a table for people. */
import type { HostStatus, TestbedStatus, VmStatus } from '../../deploy/testbed/index.ts';

/** Hosts, then VMs; columns as wide as they must be. */
export function statusTable({ hosts, vms, sshConfig, clusterFile }: TestbedStatus): string {
  const blocks = [
    table(['HOST', 'STATE', 'ADDRESS', 'GOVERNOR', 'MHZ', 'W'], hosts.map(hostRow)),
    ...(vms.length === 0 ? [] : [table(['VM', 'STATE', 'ADDRESS', 'HOST', ''], vms.map(vmRow))]),
    [
      `ssh configuration  ${sshConfig}`,
      ...(clusterFile === undefined ? [] : [`cluster file       ${clusterFile}`]),
    ].join('\n'),
  ];
  return `${blocks.join('\n\n')}\n`;
}

const hostStates = { up: 'up', down: 'DOWN', cut: 'cut' } as const;

const hostRow = ({ name, state, address, governor, mhz, powerW }: HostStatus): string[] => [
  name,
  hostStates[state],
  address,
  governor ?? '-',
  mhz === undefined ? '-' : mhz.toFixed(0),
  powerW === undefined ? '-' : powerW.toFixed(1),
];

/** A VM that moves is on two hosts; one without a host has lost its definition with it, or the host is down. */
const vmRow = ({ name, address, hosts, hasRedis }: VmStatus): string[] => [
  name,
  hosts.map(({ state }) => state).join(', ') || '-',
  address,
  hosts.map((host) => host.name).join(', ') || '-',
  hasRedis ? 'redis' : '',
];

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]!.length)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
