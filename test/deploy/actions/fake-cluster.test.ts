import { describe, expect, it } from 'vitest';
import { createFakeCluster, type FakeCluster } from './fake-cluster.ts';

const run = async (cluster: FakeCluster, host: string, commands: string) => {
  const answer = await cluster.transport.run(host, [
    { name: 'x', commands: `exec 2>&1; ${commands}` },
  ]);
  return answer.sections.get('x')!;
};
const twoHosts = { hosts: [{ name: 'h1' }, { name: 'h2' }], vms: [{ name: 'web', host: 'h1' }] };
const migrate =
  "virsh migrate --live --p2p --persistent --undefinesource --domain web --desturi 'qemu+ssh://h2/system'";

describe('the fake cluster', () => {
  it('moves a VM with all that it is', async () => {
    const cluster = createFakeCluster(twoHosts);
    const before = cluster.state()['h1']!.vms;
    expect(await run(cluster, 'h1', migrate)).toMatchObject({ text: '', status: 0 });
    expect(cluster.state()['h2']!.vms).toEqual(before);
    expect(cluster.state()['h1']!.vms).toEqual({});
    expect(
      (await run(cluster, 'h2', 'virsh -r domjobinfo --domain web --completed')).text,
    ).toContain('Total downtime:   27');
  });

  it('goes on with a migration whose ssh is cut', async () => {
    const cluster = createFakeCluster(twoHosts);
    cluster.migrations('web', 'normal', 1500);
    const going = run(cluster, 'h1', migrate);
    await expect.poll(() => cluster.calls().length).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 200));
    cluster.cut('h1');
    expect(cluster.placesOf('web')).toEqual(['h1']);
    await expect(going).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
    await expect(run(cluster, 'h1', 'true')).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
    await expect.poll(() => cluster.placesOf('web'), { timeout: 5000 }).toEqual(['h2']);
  });

  it('has cpufreq files that follow the rules of the kernel', async () => {
    const cluster = createFakeCluster(twoHosts);
    const set = (file: string, value: string) =>
      run(
        cluster,
        'h1',
        `printf '%s' ${value} | tee /sys/devices/system/cpu/cpufreq/policy0/${file}`,
      );
    const policy = () => cluster.state()['h1']!.cpufreq['policy0'];
    expect((await set('scaling_governor', 'warp')).status).toBe(1);
    expect((await set('scaling_setspeed', '1200000')).status).toBe(1);
    expect((await set('scaling_governor', 'userspace')).status).toBe(0);
    expect((await set('scaling_setspeed', '1300000')).status).toBe(0);
    expect(policy()).toMatchObject({ scaling_cur_freq: '2000000', scaling_setspeed: '2000000' });
    expect((await set('scaling_min_freq', '9900000')).status).toBe(0);
    expect((await set('scaling_max_freq', '1200000')).status).toBe(1);
    expect(policy()).toMatchObject({ scaling_min_freq: '2600000', scaling_cur_freq: '2600000' });
  });

  it('has no program that could end this machine', async () => {
    const cluster = createFakeCluster(twoHosts);
    for (const program of ['reboot', 'halt', 'shutdown', 'init', 'perl', 'python3', 'node']) {
      expect((await run(cluster, 'h1', `command -v ${program}`)).text).toBe('');
    }
    expect((await run(cluster, 'h1', 'command -v poweroff')).text).toContain(cluster.directory);
    await run(cluster, 'h1', 'poweroff');
    expect(cluster.state()['h1']).toMatchObject({
      isOn: false,
      vms: { web: { isRunning: false } },
    });
    await expect(run(cluster, 'h1', 'true')).rejects.toMatchObject({ code: 'ERR_UNREACHABLE' });
  });
});
