/**
 * The network of a testbed: one switch in a namespace of its own, a bridge in each host's namespace.
 *
 *   ctl   sw (bridge, 10.77.0.1)  h1  h2 …
 *                                  │   │     virtual Ethernet pairs
 *   hN    br0 (bridge, 10.77.0.1N) up0  + a tap for every VM
 *
 * So hosts and VMs are on one Ethernet, and a VM keeps its address when it moves. Nothing is added to
 * the machine's own namespace, so testbeds do not meet each other or it.
 */
import { type HostLayout, networkBits, type TestbedLayout } from '../layout.ts';
import type { TestbedPlan } from '../plan.ts';
import type { Programs } from '../programs.ts';

/** The host's bridge, to which VMs are connected. */
export const hostBridge = 'br0';
const uplink = 'up0';
const controlSwitch = 'sw';

/** Commands that make the network, in order. */
export function networkCommands({ layout, hosts }: TestbedPlan): string[][] {
  const control = layout.controlNetns;
  return [
    ['ip', 'netns', 'add', control],
    ...inside(control, [
      'link set lo up',
      `link add ${controlSwitch} type bridge`,
      `addr add ${layout.controlAddress}/${networkBits} dev ${controlSwitch}`,
      `link set ${controlSwitch} up`,
    ]),
    ...hosts.flatMap((host) => [
      ['ip', 'netns', 'add', host.netns],
      ...inside(host.netns, [
        'link set lo up',
        `link add ${hostBridge} address ${host.bridgeMac} type bridge`,
        `link add ${uplink} type veth peer name ${host.name} netns ${control}`,
        `link set ${uplink} master ${hostBridge}`,
        `link set ${uplink} up`,
        `addr add ${host.address}/${networkBits} dev ${hostBridge}`,
        `link set ${hostBridge} up`,
      ]),
      ...inside(control, [`link set ${host.name} master ${controlSwitch}`]),
      linkCommand(layout, host, 'up'),
    ]),
  ];
}

/** Plugs a host's cable in, or pulls it. */
export function linkCommand(
  { controlNetns }: TestbedLayout,
  { name }: HostLayout,
  state: 'up' | 'down',
): string[] {
  return ['ip', '-n', controlNetns, 'link', 'set', name, state];
}

const inside = (netns: string, commands: readonly string[]): string[][] =>
  commands.map((command) => ['ip', '-n', netns, ...command.split(' ')]);

/** Names of the hosts whose cable is pulled. */
export async function cutHosts(
  { controlNetns }: TestbedLayout,
  programs: Programs,
): Promise<Set<string>> {
  const text = await programs.run(['ip', '-n', controlNetns, '-o', 'link', 'show', 'type', 'veth']);
  return readCutLinks(text);
}

/** Lines of `ip -o link`: `3: h1@if2: <BROADCAST,MULTICAST,UP> …`. */
export function readCutLinks(text: string): Set<string> {
  const links = [...text.matchAll(/^\d+: (\S+?)(?:@\S+)?: <([^>]*)>/gm)];
  return new Set(
    links.filter(([, , flags]) => !flags!.split(',').includes('UP')).map(([, name]) => name!),
  );
}

/** Names of the testbed's network namespaces, whatever made them. */
export async function netnsOf(testbed: TestbedLayout, programs: Programs): Promise<string[]> {
  const prefix = testbed.controlNetns.slice(0, -'ctl'.length);
  const text = await programs.run(['ip', 'netns', 'list']);
  return text
    .split('\n')
    .map((line) => line.split(' ', 1)[0]!)
    .filter((name) => name.startsWith(prefix) && /^(?:ctl|h\d+)$/.test(name.slice(prefix.length)));
}
