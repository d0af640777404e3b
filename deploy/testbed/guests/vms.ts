/** VMs of a testbed: defined, started, and heard of. */
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { HostTools } from '../hosts/life.ts';
import { agentPort, type HostLayout, redisPort, sharedOnHost } from '../layout.ts';
import { hostOf, type TestbedPlan, type VmPlan } from '../plan.ts';
import { poll } from '../polling.ts';
import { findProgram, thisMachine } from '../prerequisites.ts';
import { TestbedError } from '../testbed-error.ts';
import { diskBytes, diskOnHost, domainXml } from './domain-xml.ts';
import { LineConnection } from './line-connection.ts';
import { virsh } from './virsh.ts';

/** Makes the VM's disk: on every host for `copy`, where a migration wants its target to be there. */
function makeDisks(vm: VmPlan, { hosts, layout }: TestbedPlan): void {
  const path = diskOnHost(vm);
  if (path === undefined) return;
  const files =
    vm.disk === 'shared'
      ? [join(layout.sharedDirectory, path.slice(sharedOnHost.length))]
      : hosts.map((host) => join(host.own, path));
  for (const file of files) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, '', { flag: 'a' });
    truncateSync(file, diskBytes);
  }
}

/** Defines a VM on its home host and starts it. */
export async function startVm(vm: VmPlan, plan: TestbedPlan, tools: HostTools): Promise<void> {
  const host = hostOf(plan, vm.home);
  makeDisks(vm, plan);
  const emulator = findProgram(thisMachine(), 'qemu-system-x86_64');
  if (emulator === undefined) throw new TestbedError('ERR_VM', 'there is no qemu-system-x86_64');
  const file = join(plan.layout.directory, `${vm.name}.xml`);
  writeFileSync(file, domainXml(vm, emulator));
  const options = { timeoutMs: 60_000, signal: tools.signal };
  await virsh(host, ['define', file], tools, options);
  await virsh(host, ['start', vm.name], tools, options);
}

/**
 * Waits until a VM's agent answers, and its Redis if it has one.
 *
 * @throws TestbedError with the end of the VM's console when it does not within `timeoutMs`.
 */
export async function awaitVm(
  vm: VmPlan,
  plan: TestbedPlan,
  tools: HostTools,
  timeoutMs: number,
): Promise<void> {
  const answers = async (): Promise<true | undefined> => {
    const hears = await doesAnswer(plan, vm, agentPort, 'stat', /^\{/, tools);
    if (!hears || !vm.hasRedis) return hears || undefined;
    return (await doesAnswer(plan, vm, redisPort, 'PING', /^\+PONG/, tools)) || undefined;
  };
  const { clock, signal } = tools;
  if ((await poll(answers, { clock, timeoutMs, everyMs: 400, signal })) === true) return;
  const said = consoleEnd(hostOf(plan, vm.home), vm);
  throw new TestbedError(
    'ERR_VM',
    [`${vm.name} does not answer after ${timeoutMs / 1000} s; its console says:`, ...said].join(
      '\n  ',
    ),
  );
}

/** Whether a line gets the answer that a service gives. */
async function doesAnswer(
  { layout }: TestbedPlan,
  { address }: VmPlan,
  port: number,
  line: string,
  expected: RegExp,
  { clock }: HostTools,
): Promise<boolean> {
  const connection = new LineConnection({ netns: layout.controlNetns, address, port, clock });
  try {
    return expected.test(await connection.ask(line, 3000));
  } catch (error) {
    if (error instanceof TestbedError) return false;
    throw error;
  } finally {
    connection.close();
  }
}

function consoleEnd(host: HostLayout, vm: VmPlan): string[] {
  const path = join(host.own, vm.consoleOnHost);
  if (!existsSync(path)) return ['(nothing)'];
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-10);
}
