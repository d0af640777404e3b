/** What the observer knows of a host's governor, and when it asks again. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Operation } from '../../../deploy/actions/operation.ts';
import { parseClusterFile } from '../../../deploy/cluster/read-cluster-file.ts';
import type { PlanItem } from '../../../deploy/decision.ts';
import { openSsh, systemClock } from '../../../deploy/index.ts';
import { ClusterObserver } from '../../../deploy/observation/observer.ts';
import { OperationError } from '../../../deploy/operation-error.ts';
import type { Transport } from '../../../deploy/ssh/transport.ts';
import { fakeHosts } from '../fake-ssh.ts';
import { domstatsOutput, firstMoment, hostTree } from '../host-tree.ts';

const governorFiles = [0, 2].map(
  (policy) => `/sys/devices/system/cpu/cpufreq/policy${policy}/scaling_governor`,
);

/** One host that is watched. */
function watched() {
  const fake = fakeHosts();
  let uptimeS = firstMoment.uptimeS;
  let bootId = 'boot-one';
  const pass = (): void => {
    uptimeS++;
    const ticks = 100 * uptimeS;
    const moment = {
      ...firstMoment,
      uptimeS,
      bootId,
      busyTicks: 0.3 * ticks,
      idleTicks: 0.7 * ticks,
    };
    const said = Object.entries(hostTree(moment)).filter(([path]) => !path.endsWith('_governor'));
    fake.put('node1', Object.fromEntries(said));
  };
  pass();
  fake.virsh('node1', domstatsOutput({ timeNs: 5e9, delayNs: 1e9 }));
  const ssh = openSsh({ clock: systemClock });
  onTestFinished(() => ssh.close());
  let isHushed = false;
  const transport: Transport = {
    run: (host, sections, limits) =>
      isHushed && sections.some(({ name }) => name === 'cpuidle')
        ? Promise.reject(new OperationError('ERR_TIMEOUT', host, 'it says nothing of itself'))
        : ssh.run(host, sections, limits),
    close: () => ssh.close(),
  };
  const observer = new ClusterObserver({
    cluster: parseClusterFile('hosts: [{ name: node1 }]\ninterval: 10 s', 'cluster.yaml'),
    transport,
    clock: systemClock,
    sleeping: new Map(),
  });
  const { signal } = new AbortController();
  const look = async (): Promise<ReturnType<ClusterObserver['observe']>> => {
    pass();
    return await observer.observe(signal);
  };
  return {
    observer,
    govern: (governor: string) =>
      fake.put('node1', Object.fromEntries(governorFiles.map((file) => [file, `${governor}\n`]))),
    /** Whether it answers to readings only. */
    hush: (hushed: boolean) => {
      isHushed = hushed;
    },
    reboot: () => {
      uptimeS = 7;
      bootId = 'boot-two';
    },
    /** Governor and request after so many looks. */
    look: async (times = 1) => {
      for (let time = 1; time < times; time++) await look();
      const { governor, requestedMhz } = (await look()).snapshot!.hosts[0]!;
      return [governor, requestedMhz];
    },
  };
}

const done = (operation: Operation, state: PlanItem['state'] = 'done'): PlanItem => ({
  operation,
  state,
});

describe('the governor of a host', () => {
  test('is asked for again every 20 looks', async () => {
    const { look, govern } = watched();
    govern('schedutil');
    expect(await look(2)).toEqual(['schedutil', undefined]);
    govern('ondemand');
    expect(await look(18)).toEqual(['schedutil', undefined]);
    expect(await look()).toEqual(['ondemand', undefined]);
  });

  test('gives way to what the controller sets, as long as the host is under userspace', async () => {
    const { look, govern, observer } = watched();
    govern('schedutil');
    await look(2);
    observer.note(done({ type: 'setFrequency', host: 'node1', khz: 1_800_000 }));
    govern('userspace');
    expect(await look()).toEqual([undefined, 1800]);
    expect(await look(20)).toEqual([undefined, 1800]);
    govern('conservative');
    expect(await look(20)).toEqual(['conservative', undefined]);
  });

  test('is known anew after it was set, and after a change that failed', async () => {
    const { look, govern, observer } = watched();
    govern('userspace');
    await look(2);
    govern('schedutil');
    observer.note(done({ type: 'setGovernor', host: 'node1', governor: 'schedutil' }));
    expect(await look()).toEqual(['schedutil', undefined]);
    govern('ondemand');
    observer.note(done({ type: 'setFrequency', host: 'node1', khz: 1_800_000 }, 'failed'));
    expect(await look()).toEqual(['ondemand', undefined]);
  });

  test('is known anew after a reboot', async () => {
    const { look, govern, reboot } = watched();
    govern('schedutil');
    await look(2);
    govern('ondemand');
    reboot();
    expect(await look()).toEqual(['ondemand', undefined]);
  });

  test('is as it was while the host does not say', async () => {
    const { look, govern, hush } = watched();
    govern('schedutil');
    await look(2);
    hush(true);
    govern('ondemand');
    expect(await look(22)).toEqual(['schedutil', undefined]);
    hush(false);
    expect(await look()).toEqual(['ondemand', undefined]);
  });
});
