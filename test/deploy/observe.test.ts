/** Hosts observed over `ssh`, as far as the wire: a fake `ssh` that runs the real script. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type HostSample,
  type Observation,
  type ObserveOptions,
  OperationError,
  observeHosts,
  openSsh,
  systemClock,
} from '../../deploy/index.ts';
import { fakeHosts } from './fake-ssh.ts';
import { domstatsOutput, firstMoment, hostTree, secondMoment } from './host-tree.ts';

const options: ObserveOptions = {
  virshUri: 'qemu:///system',
  sudo: false,
  everyMs: 30,
  timeoutMs: 10_000,
  samplesMax: 1,
  parallel: 4,
  clock: systemClock,
};

/** Observes with one `ssh` and closes it. */
async function observe(
  hosts: readonly string[],
  over: Partial<ObserveOptions>,
  onObservation: (observation: Observation) => void = () => {},
) {
  const observations: Observation[] = [];
  const transport = openSsh({ clock: systemClock });
  try {
    const given = { ...options, ...over };
    const outcomes = await observeHosts(hosts, transport, given, (observation) => {
      observations.push(observation);
      onObservation(observation);
    });
    return { observations, outcomes };
  } finally {
    await transport.close();
  }
}

const onlySample = (observations: readonly Observation[]): HostSample => {
  const [sample] = observations.flatMap((one) => (one.kind === 'sample' ? [one.sample] : []));
  return sample!;
};

describe('a host with two packages and two VMs', () => {
  it('is read as it is', async () => {
    const fake = fakeHosts();
    fake.put('node1', hostTree(firstMoment));
    fake.virsh('node1', domstatsOutput({ timeNs: 5e9, delayNs: 1e9 }));
    const { observations, outcomes } = await observe(['node1'], {}, ({ kind }) => {
      if (kind !== 'baseline') return;
      fake.put('node1', hostTree(secondMoment));
      // 0.3 s on a CPU and 0.5 s ready without one, in one second.
      fake.virsh('node1', domstatsOutput({ timeNs: 5.3e9, delayNs: 1.5e9 }));
    });
    expect(outcomes).toEqual([{ host: 'node1', samples: 1, failures: 0 }]);
    expect(observations.map(({ kind }) => kind)).toEqual(['baseline', 'sample']);
    const sample = onlySample(observations);
    // The tree says one second; the wall clock, which is this machine's, says less.
    expect(sample).toMatchObject({ host: 'node1', elapsedS: 1, doubts: ['clock-jump'] });
    expect(sample.cpus?.value).toHaveLength(4);
    expect(sample.cpus?.value[3]).toMatchObject({ cpu: 3, utilization: 0.25, guestFraction: 0.2 });
    // 75 % at 1.2 GHz and 25 % at 2.6 GHz; CPUs 2 and 3 share policy 2.
    expect(sample.frequencies?.value[3]).toEqual({ cpu: 3, policy: 2, mhz: 1550, kind: 'mean' });
    // 30 W + 20 W (wrapped) + 2 W + 4 W; not core, not mmio, not psys.
    expect(sample.power?.value.socketW).toBeCloseTo(30 + 20 + 2 + 4, 6);
    expect(sample.power?.value.platformW).toBeCloseTo(90, 9);
    expect(sample.pressure?.value).toEqual([
      { resource: 'cpu', someFraction: expect.closeTo(0.25, 6), fullFraction: 0 },
    ]);
    expect(sample.memory?.value).toMatchObject({
      totalBytes: 65_536_000 * 1024,
      hugePagesTotal: 4,
      hugePageBytes: 2 * 1024 ** 2,
    });
    expect(sample.temperatures?.value).toEqual([
      { sensor: 'thermal_zone0', name: 'x86_pkg_temp', celsius: 47 },
      { sensor: 'hwmon1/temp2', name: 'coretemp Package id 1', celsius: 51.5 },
    ]);
    const [web, batch] = sample.domains!.value;
    expect(web).toMatchObject({ name: 'web \u{1F600}', state: 'running', vcpus: 2 });
    expect(web?.usedCores).toBeCloseTo(0.3, 6);
    expect(web?.demandCores).toBeCloseTo(0.8, 6);
    expect(web?.memory).not.toHaveProperty('unusedBytes');
    expect(batch).toEqual({
      name: 'batch',
      state: 'shut-off',
      vcpus: 1,
      memory: { currentBytes: 524_288 * 1024 },
      confidence: 0.8,
      doubts: ['clock-jump'],
    });
    for (const part of [sample.cpus, sample.power, sample.domains]) {
      expect(part?.observedAtMs).toBeGreaterThan(1.6e12);
      expect(part?.ageMs).toBeGreaterThanOrEqual(0);
      expect(part?.source).not.toBe('');
      expect(part?.confidence).toBe(0.8);
    }
  });

  it('leaves out what the host does not show, and says why', async () => {
    const fake = fakeHosts();
    const bare = (uptimeS: number): void => {
      fake.put('node1', { '/proc/uptime': `${uptimeS}.00 1.00\n` });
    };
    bare(50);
    const { observations } = await observe(['node1'], {}, ({ kind }) => {
      if (kind === 'baseline') bare(51);
    });
    const { observedAtMs, hostWallMs, ...sample } = onlySample(observations);
    expect(observedAtMs).toBeGreaterThan(1.6e12);
    expect(hostWallMs).toBeGreaterThan(1.6e12);
    expect(sample).toEqual({
      host: 'node1',
      elapsedS: 1,
      uptimeS: 51,
      ticksPerS: 100,
      doubts: ['clock-jump'],
      missing: {
        energy: 'no powercap zone',
        frequency: 'no cpufreq policy',
        domains: 'no virsh',
      },
    });
  });

  it.each([
    [124, 'virsh gave no answer within 8 s'],
    [1, 'virsh failed (status 1)'],
  ])('is read but for its VMs when virsh ends with %i', async (status, reason) => {
    const fake = fakeHosts();
    fake.put('node1', hostTree(firstMoment));
    fake.virsh('node1', "Domain: 'half", status);
    const { observations } = await observe(['node1'], {}, ({ kind }) => {
      if (kind === 'baseline') fake.put('node1', hostTree(secondMoment));
    });
    const sample = onlySample(observations);
    expect(sample.missing).toEqual({ domains: reason });
    expect(sample).not.toHaveProperty('domains');
    expect(sample.power?.value.socketW).toBeCloseTo(56, 6);
  });

  it('reads for what it is told, with virsh that can only read', async () => {
    const fake = fakeHosts();
    fake.put('node1', hostTree(firstMoment));
    fake.virsh('node1', domstatsOutput({ timeNs: 1, delayNs: 1 }));
    const virshUri = "test:///it's; touch $(id) `id`\nnext";
    await observe(['node1'], { virshUri }, ({ kind }) => {
      if (kind === 'baseline') fake.put('node1', hostTree(secondMoment));
    });
    const calls = readFileSync(`${fake.directory}/hosts/node1/virsh.log`, 'utf8');
    expect(calls.startsWith(`-r -q -c ${virshUri} domstats --raw --nowait`)).toBe(true);
  });
});

describe('energy counters', () => {
  const readWith = async (sudo: boolean): Promise<string> => {
    const fake = fakeHosts();
    fake.put('node1', hostTree(firstMoment));
    const log = `${fake.directory}/sudo.log`;
    fake.program('node1', 'sudo', `#!/bin/sh\necho "$*" >>'${log}'\nshift\nexec "$@"\n`);
    const { observations } = await observe(['node1'], { sudo }, ({ kind }) => {
      if (kind === 'baseline') fake.put('node1', hostTree(secondMoment));
    });
    expect(onlySample(observations).power?.value.socketW).toBeCloseTo(56, 6);
    return existsSync(log) ? readFileSync(log, 'utf8') : '';
  };

  it('are read through sudo when asked for, and nothing else is', async () => {
    const lines = (await readWith(true)).trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      const [flag, program, options, empty, ...files] = line.split(' ');
      expect([flag, program, options, empty]).toEqual(['-n', 'grep', '-aHs', '']);
      expect(files).toHaveLength(8);
      for (const file of files) expect(file).toMatch(/\/sys\/class\/powercap\/[^/*]+\/energy_uj$/);
    }
  });

  it('are read without it otherwise', async () => {
    expect(await readWith(false)).toBe('');
  });
});

describe('time', () => {
  it('starts anew after a reboot, even when the host has been up for longer than before', async () => {
    const fake = fakeHosts();
    fake.put('node1', hostTree(firstMoment));
    let baselines = 0;
    const { observations } = await observe(['node1'], {}, ({ kind }) => {
      if (kind !== 'baseline') return;
      baselines++;
      const moment = baselines === 1 ? { ...secondMoment, bootId: 'boot-two' } : secondMoment;
      const uptimeS = secondMoment.uptimeS + baselines;
      fake.put('node1', hostTree({ ...moment, bootId: 'boot-two', uptimeS }));
    });
    expect(observations.map((one) => ('why' in one ? one.why : one.kind))).toEqual([
      'first',
      'reboot',
      'sample',
    ]);
  });

  it('that stands still is no sample', async () => {
    const fake = fakeHosts();
    fake.put('node1', hostTree(firstMoment));
    let frozen = 0;
    const { observations } = await observe(['node1'], {}, ({ kind }) => {
      if (kind === 'failed' && ++frozen === 2) fake.put('node1', hostTree(secondMoment));
    });
    expect(observations.map((one) => (one.kind === 'failed' ? one.error.code : one.kind))).toEqual([
      'baseline',
      'ERR_FROZEN',
      'ERR_FROZEN',
      'sample',
    ]);
    expect(onlySample(observations).elapsedS).toBe(1);
  });

  it('that goes on while nothing else does is seen in every part', async () => {
    const fake = fakeHosts();
    fake.put('node1', hostTree(firstMoment));
    const { observations } = await observe(['node1'], {}, ({ kind }) => {
      if (kind === 'baseline') fake.put('node1', hostTree({ ...firstMoment, uptimeS: 1001 }));
    });
    const sample = onlySample(observations);
    expect(sample.cpus).toMatchObject({ value: [], confidence: 0 });
    expect(sample.cpus?.doubts).toContain('frozen');
    expect(sample.energies?.value.map(({ doubts }) => doubts)).toEqual(Array(8).fill(['frozen']));
    expect(sample).not.toHaveProperty('power');
  });
});

describe('hosts that fail', () => {
  const changed =
    '@@@@@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@\nIT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!\nHost key verification failed.\n';
  const exit = (status: number, messages: string): string =>
    `process.stderr.write(${JSON.stringify(messages)}); process.exitCode = ${status};`;

  it.each([
    ['ERR_HOST_KEY_CHANGED', exit(255, changed), false],
    [
      'ERR_HOST_KEY_UNKNOWN',
      exit(
        255,
        'No ED25519 host key is known for node1 and you have requested strict checking.\nHost key verification failed.\n',
      ),
      false,
    ],
    ['ERR_AUTHENTICATION', exit(255, 'root@node1: Permission denied (publickey).\n'), false],
    ['ERR_SSH_CONFIG', exit(255, '/x: line 1: Bad configuration option: nonsense\n'), false],
    [
      'ERR_UNREACHABLE',
      exit(255, 'ssh: connect to host node1 port 22: Connection refused\n'),
      true,
    ],
    ['ERR_UNREACHABLE', exit(255, ''), true],
    ['ERR_COMMAND_MISSING', exit(127, 'sh: not found\n'), false],
    ['ERR_REMOTE_FAILED', exit(3, 'something\n'), true],
    [
      'ERR_REMOTE_FAILED',
      'process.stdout.write("hello"); process.kill(process.pid, "SIGKILL")',
      true,
    ],
    ['ERR_TIMEOUT', 'setInterval(() => {}, 1000)', true],
    ['ERR_TIMEOUT', 'process.on("SIGTERM", () => {}); setInterval(() => {}, 1000)', true],
    ['ERR_OUTPUT_TRUNCATED', 'run((o) => process.stdout.write(o.subarray(0, o.length / 2)))', true],
    ['ERR_OUTPUT_TRUNCATED', 'process.stdout.write("Welcome to node1!\\n")', true],
  ])('%s is told from the others', async (code, snippet, mayPass) => {
    const fake = fakeHosts();
    fake.put('node1', hostTree(firstMoment));
    fake.misbehave('node1', snippet);
    const transport = openSsh({ clock: systemClock, timeoutMs: 1500 });
    const sections = [
      { name: 'a', commands: 'echo 1' },
      { name: 'b', commands: 'echo 2' },
    ];
    const error = await transport.run('node1', sections).catch((caught: unknown) => caught);
    await transport.close();
    expect(error).toBeInstanceOf(OperationError);
    expect(error).toMatchObject({ code, host: 'node1', mayPass });
    expect((error as OperationError).message).toMatch(/^node1: [^\n]+$/);
  });

  it('by printing without end are cut off', async () => {
    const fake = fakeHosts();
    fake.misbehave(
      'node1',
      'const b = Buffer.alloc(65536, 0x61); const more = () => { while (process.stdout.write(b)); process.stdout.once("drain", more); }; more();',
    );
    const transport = openSsh({ clock: systemClock, outputBytesMax: 1_000_000 });
    const sections = [{ name: 'a', commands: 'echo 1' }];
    await expect(transport.run('node1', sections)).rejects.toMatchObject({
      code: 'ERR_OUTPUT_LIMIT',
    });
    await transport.close();
  });

  it('do not hold up the others, and come back', async () => {
    const fake = fakeHosts();
    for (const host of ['good', 'shaky']) fake.put(host, hostTree(firstMoment));
    fake.misbehave('changed', exit(255, changed));
    fake.misbehave('shaky', exit(255, 'Connection timed out\n'));
    let second = false;
    const { outcomes, observations } = await observe(
      ['good', 'gone', 'changed', 'shaky'],
      { signal: AbortSignal.timeout(8000) },
      ({ kind, host }) => {
        if (kind === 'baseline') fake.put(host, hostTree(secondMoment));
        if (kind === 'failed' && host === 'shaky') fake.misbehave('shaky', undefined);
        if (kind === 'sample' && host === 'shaky') second = true;
      },
    );
    expect(second).toBe(true);
    const outcome = (name: string) => outcomes.find(({ host }) => host === name);
    expect(outcome('good')).toMatchObject({ samples: 1, failures: 0 });
    expect(outcome('shaky')).toEqual({ host: 'shaky', samples: 1, failures: 1 });
    expect(outcome('changed')).toMatchObject({
      failures: 1,
      error: { code: 'ERR_HOST_KEY_CHANGED' },
    });
    expect(outcome('gone')).toMatchObject({ error: { code: 'ERR_UNREACHABLE' } });
    // Given up at once against asked again, each time after a longer pause.
    const pauses = observations.flatMap((one) =>
      one.kind === 'failed' && one.host === 'gone' ? [one.retryInMs] : [],
    );
    expect(pauses).toEqual([30, 60, 120, 240, undefined]);
  }, 20_000);

  it('without the ssh program say so', async () => {
    fakeHosts();
    process.env['PATH'] = '/nonexistent';
    const transport = openSsh({ clock: systemClock });
    await expect(transport.run('node1', [])).rejects.toMatchObject({ code: 'ERR_SSH_MISSING' });
    await transport.close();
  });
});

describe('the ssh command', () => {
  it('asks nobody, checks keys, forwards nothing, and keeps its sockets to itself', async () => {
    const fake = fakeHosts();
    fake.put('node1', hostTree(firstMoment));
    const transport = openSsh({
      clock: systemClock,
      configFile: fake.log.replace('calls.log', 'ssh'),
    });
    await transport.run('node1', []);
    const [call] = readFileSync(fake.log, 'utf8').split('\n');
    const args = JSON.parse(call!) as string[];
    for (const option of [
      'BatchMode=yes',
      'StrictHostKeyChecking=yes',
      'UpdateHostKeys=no',
      'ForwardAgent=no',
      'ClearAllForwardings=yes',
      'PermitLocalCommand=no',
      'ControlMaster=auto',
    ]) {
      expect(args[args.indexOf(option) - 1]).toBe('-o');
    }
    expect(args.slice(0, 2)).toEqual(['-F', `${fake.directory}/ssh`]);
    expect(args.slice(-3)).toEqual(['--', 'node1', 'exec sh -s']);
    const path = args.find((arg) => arg.startsWith('ControlPath='))!.slice('ControlPath='.length);
    expect(path.endsWith('/%C')).toBe(true);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    await transport.close();
    expect(existsSync(dirname(path))).toBe(false);
    expect(readFileSync(fake.log, 'utf8')).toContain('["-O","exit"');
  });

  it.each([
    '-oProxyCommand=id',
    'a b',
    'a;id',
    '$(id)',
    'a\nb',
    '',
    'é',
    'a@',
    '@a',
    '-a@b',
    '..',
    'a/../b',
  ])('is never given the name %j', async (name) => {
    const fake = fakeHosts();
    const transport = openSsh({ clock: systemClock });
    await expect(transport.run(name, [])).rejects.toThrow('[USER@]HOST');
    await transport.close();
    expect(existsSync(fake.log)).toBe(false);
  });

  it('is no part of our process group, which a terminal interrupts as a whole', async () => {
    const fake = fakeHosts();
    fake.misbehave(
      'node1',
      "const fs = require('node:fs'); fs.writeFileSync(__dirname + '/../stat', fs.readFileSync('/proc/self/stat')); run();",
    );
    const transport = openSsh({ clock: systemClock });
    await transport.run('node1', []);
    await transport.close();
    const groupIn = (path: string) => readFileSync(path, 'utf8').split(') ')[1]!.split(' ')[2];
    expect(groupIn(`${fake.directory}/stat`)).not.toBe(groupIn('/proc/self/stat'));
  });

  it('is interrupted at once', async () => {
    const fake = fakeHosts();
    fake.misbehave('node1', 'setInterval(() => {}, 1000)');
    const transport = openSsh({ clock: systemClock });
    const stop = new AbortController();
    const answer = transport.run('node1', [], { signal: stop.signal });
    stop.abort();
    await expect(answer).rejects.toMatchObject({ code: 'ERR_INTERRUPTED' });
    await transport.close();
  });
});
