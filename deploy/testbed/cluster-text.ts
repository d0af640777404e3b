/** The cluster file of a testbed: what `wattwin control` needs to know of it. Pure. */
import { basename } from 'node:path';
import type { TestbedPlan } from './plan.ts';

/** Memory of a host for VMs. Hosts see all of this machine's, each as if it were theirs alone. */
const hostMemory = '2 GiB';

/** As YAML reads it, whatever is in it: JSON's strings are YAML's. */
const quoted = (text: string): string => JSON.stringify(text);

/** @param command The words that run `wattwin` here. */
export function clusterText(plan: TestbedPlan, command: readonly string[]): string {
  const { layout, hosts, spec } = plan;
  return [
    `# The testbed ${layout.name}: \`wattwin control --cluster ${layout.clusterFile}\`.`,
    `name: ${quoted(layout.name)}`,
    'hosts:',
    ...hosts.flatMap(({ name, address }) => [
      `  - name: ${quoted(name)}`,
      `    address: ${quoted(address)}`,
      `    memory: ${quoted(hostMemory)}`,
      `    wake: [${[...command, 'testbed', 'start', name, '--name', layout.name].map(quoted).join(', ')}]`,
      '    wakeTime: 10 s',
    ]),
    'ssh:',
    `  config: ${quoted(basename(layout.sshConfig))}`,
    'libvirt:',
    // What stands for a CPU's speed is no limit that anybody has set for a VM.
    '  globalQuota: false',
    '  migration:',
    '    uri: qemu+tcp://{address}/system',
    `    storage: ${spec.disk}`,
    // libvirt takes a directory for shared only when its file system is a network's.
    ...(spec.disk === 'shared' ? ['    unsafe: true'] : []),
    '# Shorter than for machines that take minutes to start and VMs that take minutes to move.',
    'interval: 5 s',
    // Five minutes, so that what a boot costs can pay.
    'horizon: 60',
    // Kilowatt-hours of hosts that run for minutes are small numbers.
    'objective:',
    '  migration: 0.0001',
    'guard:',
    '  vmCooldown: 30 s',
    '  hostCooldown: 60 s',
    '',
  ].join('\n');
}
