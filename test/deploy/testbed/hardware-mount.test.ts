/** The emulated hardware as a program: mounted for real, read and written through the kernel. */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { open, readdir, readFile, stat, statfs, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import ts from 'typescript';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import {
  type HostSample,
  observeHosts,
  openSsh,
  probeHost,
  systemClock,
} from '../../../deploy/index.ts';
import { readConfig } from '../../../deploy/testbed/hardware/config.ts';
import type { MeterReading } from '../../../deploy/testbed/hardware/meter.ts';
import { hostPower } from '../../../deploy/testbed/hardware/power-physics.ts';
import { fakeHosts } from '../fake-ssh.ts';

const sources = join(import.meta.dirname, '../../../deploy/testbed/hardware');
const run = promisify(execFile);

it('runs alone: its files import each other and Node’s own modules', () => {
  for (const name of readdirSync(sources)) {
    const text = readFileSync(join(sources, name), 'utf8');
    for (const [, path] of text.matchAll(/(?:from|import\() ?'([^']+)'/g)) {
      expect(path, name).toMatch(/^(?:node:[a-z_]+|\.\/[a-z0-9-]+\.ts)$/);
    }
  }
});

/** The folder alone, compiled, as it is put into a host. */
const program = mkdtempSync(join(tmpdir(), 'wattwin-hardware-'));

beforeAll(async () => {
  for (const name of readdirSync(sources)) {
    const { outputText } = ts.transpileModule(readFileSync(join(sources, name), 'utf8'), {
      compilerOptions: {
        target: ts.ScriptTarget.ES2022,
        module: ts.ModuleKind.ESNext,
        verbatimModuleSyntax: true,
        rewriteRelativeImportExtensions: true,
      },
    });
    await writeFile(join(program, name.replace(/\.ts$/, '.js')), outputText);
  }
  await writeFile(join(program, 'package.json'), '{"type":"module"}');
  return () => rmSync(program, { recursive: true });
});

/** Ends when the program has said so, or has ended itself. */
function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout!.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(text);
    });
    child.on('close', (code) => reject(new Error(`ended with ${code}`)));
  });
}

interface Mounted {
  readonly mount: string;
  readonly directory: string;
  readonly child: ChildProcess;
  /** What it wrote to stderr so far. */
  errors(): string;
  /** A file below the mount. */
  at(path: string): string;
  read(path: string): Promise<string>;
  /** The error code of a write, or that there was none. */
  write(path: string, text: string): Promise<string>;
  meter(): Promise<MeterReading>;
  /** Starts the same again. */
  again(): Promise<void>;
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** A host's hardware, mounted in a new directory, with no VMs unless the configuration says where. */
async function mounted(config: object = {}): Promise<Mounted> {
  const directory = mkdtempSync(join(tmpdir(), 'wattwin-hw-'));
  const mount = join(directory, 'hw');
  const meterFile = join(directory, 'meter.json');
  const configFile = join(directory, 'config.json');
  let child: ChildProcess | undefined;
  let errors = '';
  onTestFinished(async () => {
    child?.kill('SIGKILL');
    spawnSync('umount', ['-f', '-l', mount]);
    rmSync(directory, { recursive: true, force: true });
  });
  const text = JSON.stringify({
    machineGroup: 'no-such-group',
    meterFile,
    meterMs: 50,
    tickMs: 20,
    ...config,
  });
  await writeFile(configFile, text);
  const start = async (): Promise<ChildProcess> => {
    const words = [join(program, 'main.js'), '--mount', mount, '--config', configFile];
    child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr!.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    expect(await firstLine(child)).toBe('ready\n');
    return child;
  };
  await start();
  const at = (path: string): string => join(mount, path);
  return {
    mount,
    directory,
    get child() {
      return child!;
    },
    errors: () => errors,
    at,
    read: async (path) => (await readFile(at(path), 'utf8')).replace(/\n$/, ''),
    write: (path, value) =>
      writeFile(at(path), value).then(
        () => 'ok',
        (error: NodeJS.ErrnoException) => error.code ?? String(error),
      ),
    meter: async () => JSON.parse(await readFile(meterFile, 'utf8')) as MeterReading,
    again: async () => {
      await start();
    },
    end: (signal) =>
      new Promise((resolve) => {
        child!.on('close', resolve);
        child!.kill(signal);
      }),
  };
}

/** Root in a container often may not mount: what counts is CAP_SYS_ADMIN, bit 21. */
function mayMount(): boolean {
  const status = existsSync('/proc/self/status') ? readFileSync('/proc/self/status', 'utf8') : '';
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return process.getuid?.() === 0 && (capabilities & (1n << 21n)) !== 0n;
}

const canMount = mayMount() && existsSync('/dev/fuse');
const describeMounted = (title: string, tests: () => void): void => {
  if (canMount) describe(title, tests);
  else describe.skip(`${title} (needs root and /dev/fuse)`, tests);
};

const policy0 = 'cpufreq/policy0';
const zone = 'powercap/intel-rapl:0';

describeMounted('a mounted host', () => {
  it('lists its files, with the modes and sizes of the real ones', async () => {
    const { at, mount } = await mounted();
    const names = async (path: string): Promise<string[]> => (await readdir(at(path))).sort();
    expect(await names('')).toEqual(['cpufreq', 'powercap', 'proc']);
    expect(await names('cpufreq')).toEqual(['policy0', 'policy1']);
    expect(await names('powercap')).toEqual([
      'intel-rapl',
      'intel-rapl:0',
      'intel-rapl:0:0',
      'intel-rapl:0:1',
    ]);
    expect(await names(`${policy0}/stats`)).toEqual([
      'reset',
      'time_in_state',
      'total_trans',
      'trans_table',
    ]);
    const all = await readdir(mount, { recursive: true });
    expect(all.length).toBeGreaterThan(60);
    const mode = async (path: string): Promise<string> =>
      ((await stat(at(path))).mode & 0o777).toString(8);
    expect(await mode(`${policy0}/scaling_governor`)).toBe('644');
    expect(await mode(`${zone}/energy_uj`)).toBe('400');
    expect((await stat(at('proc/stat'))).size).toBe(0);
    expect((await stat(at(`${policy0}/scaling_governor`))).size).toBe(4096);
    expect((await statfs(mount)).bsize).toBe(4096);
  });

  it('refuses what the kernel refuses, and takes the rest', async () => {
    const { read, write, at } = await mounted();
    expect(await write(`${policy0}/scaling_governor`, 'fast')).toBe('EINVAL');
    expect(await write(`${policy0}/scaling_setspeed`, '1600000')).toBe('EINVAL');
    expect(await write(`${policy0}/scaling_cur_freq`, '1600000')).toBe('EACCES');
    expect(await write(`${zone}/energy_uj`, '0')).toBe('EACCES');
    expect(await write(`${policy0}/no_such_file`, '0')).toBe('EACCES');
    await expect(readFile(at(`${policy0}/stats/reset`))).rejects.toThrow('EACCES');
    expect(await read(`${policy0}/scaling_setspeed`)).toBe('<unsupported>');
    expect(await write(`${policy0}/scaling_governor`, 'userspace\n')).toBe('ok');
    expect(await write(`${policy0}/scaling_setspeed`, '1600000\n')).toBe('ok');
    expect(await read(`${policy0}/scaling_cur_freq`)).toBe('1600000');
    expect(await read('proc/cpuinfo')).toContain('cpu MHz\t\t: 1600.000');
  });

  it('loses no write: each piece of one open file is a value', async () => {
    const { at, read } = await mounted({ governor: 'userspace' });
    const file = await open(at(`${policy0}/scaling_setspeed`), 'w');
    try {
      for (const khz of [800_000, 1_600_000, 2_400_000]) {
        await file.write(`${khz}\n`);
        expect(await read(`${policy0}/scaling_cur_freq`)).toBe(String(khz));
      }
      await expect(file.write('x')).rejects.toThrow('EINVAL');
      // One longer than a page comes in two; the kernel reads the number at the start of each.
      const long = `1200000${' '.repeat(4089)}2000000\n`;
      await file.write(long);
    } finally {
      await file.close();
    }
    expect(await read(`${policy0}/scaling_cur_freq`)).toBe('2000000');
    await run('sh', ['-c', `(echo 2800000; echo 3200000) > ${at(`${policy0}/scaling_setspeed`)}`]);
    expect(await read(`${policy0}/scaling_cur_freq`)).toBe('3200000');
  });

  it('is read by many at once', async () => {
    const { read, at } = await mounted({ cpus: 64 });
    const whole = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        read(index % 2 === 0 ? 'proc/stat' : 'proc/cpuinfo'),
      ),
    );
    for (const text of whole) expect(text.match(/^(?:cpu\d+ |processor)/gm)).toHaveLength(64);
    // In pieces of one byte, which is one moment.
    const { stdout } = await run('dd', [`if=${at('proc/stat')}`, 'bs=1', 'status=none']);
    expect(stdout.match(/^cpu\d+ /gm)).toHaveLength(64);
    // A reader that is killed leaves nothing behind.
    const reader = spawn('sh', ['-c', `while :; do cat ${at(`${zone}/energy_uj`)}; done`], {
      stdio: 'ignore',
    });
    await sleep(200);
    reader.kill('SIGKILL');
    expect(Number(await read(`${zone}/energy_uj`))).toBeGreaterThan(0);
  });

  it('counts the energy that its meter shows, over a wrap', async () => {
    const range = 20_000_000;
    const { read, meter } = await mounted({ maxEnergyRangeUj: range, energyStartUj: range - 1 });
    const first = await meter();
    let before = Number(await read(`${zone}/energy_uj`));
    let sumUj = before === range - 1 ? 0 : before + 1;
    let wraps = 0;
    // 14 W: the first wrap at once, the second after 1.4 s.
    while (wraps < 2) {
      const now = Number(await read(`${zone}/energy_uj`));
      expect(now).toBeLessThan(range);
      if (now < before) wraps++;
      sumUj += now >= before ? now - before : range - before + now;
      before = now;
      await sleep(10);
    }
    await sleep(150);
    const last = await meter();
    const { power, operatingPoints } = readConfig({});
    const idle = hostPower([{ khz: 800_000, utilization: 0 }], operatingPoints, power);
    // The meter is read a moment after the counter.
    expect(last.packageJ - sumUj / 1e6).toBeGreaterThan(0);
    expect(last.packageJ - sumUj / 1e6).toBeLessThan(idle.packageW);
    expect(last.powerW).toBeCloseTo(idle.wallW, 6);
    expect((last.energyJ - first.energyJ) / (last.elapsedS - first.elapsedS)).toBeCloseTo(
      idle.wallW,
      6,
    );
  });

  it('can be broken and mended while it runs', async () => {
    const { directory, write, read, errors } = await mounted();
    const faults = async (value: unknown): Promise<void> => {
      await writeFile(join(directory, 'faults.json'), JSON.stringify(value));
      await sleep(300);
    };
    await faults({ ignoreGovernorWrites: true });
    expect(await write(`${policy0}/scaling_governor`, 'performance')).toBe('ok');
    expect(await read(`${policy0}/scaling_governor`)).toBe('schedutil');
    await faults({ readOnlyFrequencies: true, frozenCounters: true });
    expect(await write(`${policy0}/scaling_governor`, 'performance')).toBe('EACCES');
    const before = await read(`${zone}/energy_uj`);
    await sleep(100);
    expect(await read(`${zone}/energy_uj`)).toBe(before);
    await faults({ unknown: true });
    expect(errors()).toContain('faults.json: expected');
    expect(await read(`${zone}/energy_uj`)).toBe(before);
    await faults({});
    expect(await write(`${policy0}/scaling_governor`, 'performance')).toBe('ok');
    expect(await read(`${policy0}/scaling_governor`)).toBe('performance');
    expect(Number(await read(`${zone}/energy_uj`))).toBeGreaterThan(Number(before));
  });

  it('is understood by probe and telemetry', async () => {
    const { at } = await mounted({ governor: 'ondemand' });
    const fake = fakeHosts();
    fake.put('node1', {
      '/proc/uptime': readFileSync('/proc/uptime', 'utf8'),
      '/proc/meminfo': 'MemTotal: 1000 kB\nMemAvailable: 500 kB\n',
      '/proc/sys/kernel/random/boot_id': 'boot\n',
    });
    const root = join(fake.directory, 'hosts', 'node1');
    const bind = async (from: string, to: string): Promise<void> => {
      mkdirSync(dirname(join(root, to)), { recursive: true });
      await symlink(at(from), join(root, to));
    };
    await bind('cpufreq', '/sys/devices/system/cpu/cpufreq');
    await bind('powercap', '/sys/class/powercap');
    await bind('proc/stat', '/proc/stat');
    await bind('proc/cpuinfo', '/proc/cpuinfo');
    rmSync(join(root, '/proc/uptime'));
    await bind('proc/uptime', '/proc/uptime');
    const transport = openSsh({ clock: systemClock });
    onTestFinished(() => transport.close());
    const virshUri = 'qemu:///system';
    const { cpufreq, energyZones, access, abilities } = await probeHost('node1', transport, {
      virshUri,
      sudo: false,
    });
    expect(cpufreq.policies).toHaveLength(2);
    expect(cpufreq.policies[1]).toMatchObject({
      policy: 1,
      cpus: [1],
      driver: 'wattwin-cpufreq',
      governor: 'ondemand',
      availableMhz: [800, 1200, 1600, 2000, 2400, 2800, 3200],
      hardwareMinMhz: 800,
      hardwareMaxMhz: 3200,
      transitionLatencyNs: 10_000,
    });
    expect(cpufreq.policies[0]!.governors).toContain('schedutil');
    expect(energyZones.map(({ zone, name }) => `${zone} ${name}`)).toEqual([
      'intel-rapl:0 package-0',
      'intel-rapl:0:0 core',
      'intel-rapl:0:1 dram',
    ]);
    expect(energyZones[0]).toMatchObject({ rangeUj: 262_143_328_850, designPowerW: 95 });
    expect(access['/sys/devices/system/cpu/cpufreq/policy0/scaling_governor']).toEqual({
      read: true,
      write: true,
    });
    expect(abilities.filter(({ status }) => status === 'yes').length).toBeGreaterThan(2);
    const samples: HostSample[] = [];
    await observeHosts(
      ['node1'],
      transport,
      {
        ...{ virshUri, sudo: false, everyMs: 700, timeoutMs: 10_000, samplesMax: 1 },
        ...{ parallel: 1, clock: systemClock },
      },
      (observation) => {
        if (observation.kind === 'sample') samples.push(observation.sample);
      },
    );
    expect(samples[0]).toMatchObject({
      cpus: { value: [{ utilization: 0 }, { utilization: 0 }] },
      frequencies: { value: [{ mhz: 800, kind: 'mean' }, { mhz: 800 }] },
    });
    // 14 W and 3 W; a busy machine reads the clock and the counters at times some way apart.
    const { socketW } = samples[0]!.power!.value;
    expect(socketW).toBeGreaterThan(17 * 0.7);
    expect(socketW).toBeLessThan(17 * 1.4);
  });

  it('ends and leaves nothing mounted, also when files are open', async () => {
    const host = await mounted();
    const file = await open(host.at(`${zone}/energy_uj`), 'r');
    expect(await host.end('SIGTERM')).toBe(0);
    expect(host.errors()).toBe('');
    expect(await readdir(host.mount)).toEqual([]);
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(host.mount);
    // Told that nobody is there any more, once.
    await expect(file.close()).rejects.toThrow('ENOTCONN');
  });

  it('starts again where it was killed', async () => {
    const host = await mounted();
    await host.end('SIGKILL');
    await expect(readdir(host.mount)).rejects.toThrow('ENOTCONN');
    await host.again();
    expect(await host.read(`${policy0}/scaling_governor`)).toBe('schedutil');
    expect(Number(await host.read('proc/uptime').then((text) => text.split(' ')[0]))).toBeLessThan(
      5,
    );
  });

  it('survives requests that it does not know, and somebody who unmounts it', async () => {
    const host = await mounted();
    const closed = new Promise((resolve) => host.child.on('close', resolve));
    // Extended attributes, locks, ioctl, allocation: nothing that it knows.
    await run('sh', [
      '-c',
      `dd if=/dev/zero of=${host.at(`${policy0}/scaling_governor`)} bs=64k count=1 2>&1; flock -n ${host.at('proc/stat')} true; exit 0`,
    ]);
    expect(await host.read(`${policy0}/scaling_governor`)).toBe('schedutil');
    await run('umount', [host.mount]);
    expect(await closed).toBe(0);
  });
});

/** Control groups may be mounted to be read only. */
function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const cgroupRoot = '/sys/fs/cgroup';
const controllers = ['cpu', 'cpuacct', 'cpuset'];
const hasVersion1 = controllers.every((name) => isWritable(join(cgroupRoot, name, 'tasks')));

const describeCapped = (title: string, tests: () => void): void => {
  if (canMount && hasVersion1) describeMounted(title, tests);
  else describe.skip(`${title} (needs root, /dev/fuse and control groups of version 1)`, tests);
};

/** A VM's control groups with a process in them that never rests; gone when the test ends. */
async function busyVm(base: string): Promise<{ usedS(): number }> {
  const group = `${base}/machine/qemu-1-vm.libvirt-qemu/vcpu0`;
  const parts = group.split('/').map((_, index, all) => all.slice(0, index + 1).join('/'));
  for (const controller of controllers) {
    for (const part of parts) {
      mkdirSync(join(cgroupRoot, controller, part));
      if (controller !== 'cpuset') continue;
      for (const name of ['cpuset.cpus', 'cpuset.mems']) {
        const inherited = readFileSync(join(cgroupRoot, controller, dirname(part), name));
        await writeFile(join(cgroupRoot, controller, part, name), inherited);
      }
    }
  }
  // Before all others on this machine, so that nothing but the quota holds it.
  await writeFile(join(cgroupRoot, 'cpu', base, 'cpu.shares'), '200000');
  const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  onTestFinished(async () => {
    await new Promise((resolve) => {
      child.on('close', resolve);
      child.kill('SIGKILL');
    });
    for (const controller of controllers) {
      for (const part of parts.toReversed()) rmdirSync(join(cgroupRoot, controller, part));
    }
  });
  for (const controller of controllers) {
    await writeFile(join(cgroupRoot, controller, group, 'tasks'), String(child.pid));
  }
  const usage = join(cgroupRoot, 'cpuacct', group, 'cpuacct.usage');
  return { usedS: () => Number(readFileSync(usage, 'utf8')) / 1e9 };
}

describeCapped('a busy process in a VM’s group', () => {
  it('gets what the emulated CPU is at its frequency, and shows as one busy CPU', async () => {
    const base = `wattwin-test-${process.pid}`;
    const vm = await busyVm(base);
    const host = await mounted({
      machineGroup: `${base}/machine`,
      share: 0.25,
      governor: 'performance',
    });
    /** Real cores used during 1.5 s, and the meter's view of them. */
    const measure = async () => {
      await sleep(300);
      const [usedS, at] = [vm.usedS(), performance.now()];
      const before = await host.meter();
      await sleep(1500);
      const cores = (vm.usedS() - usedS) / ((performance.now() - at) / 1000);
      const after = await host.meter();
      const watts = (after.energyJ - before.energyJ) / (after.elapsedS - before.elapsedS);
      return { cores, watts };
    };
    const full = await measure();
    for (const policy of [0, 1]) {
      const file = `cpufreq/policy${policy}/scaling_max_freq`;
      expect(await host.write(file, '1600000')).toBe('ok');
    }
    const half = await measure();
    // A quota of libvirt's in the way is lowered and given back; the kernel itself judges here.
    const vcpu = join(cgroupRoot, 'cpu', base, 'machine/qemu-1-vm.libvirt-qemu/vcpu0');
    const quotaUs = (): number => Number(readFileSync(join(vcpu, 'cpu.cfs_quota_us'), 'utf8'));
    await writeFile(join(vcpu, 'cpu.cfs_quota_us'), '12000');
    expect(await host.write('cpufreq/policy0/scaling_max_freq', '1200000')).toBe('ok');
    // 0.25 · 1200 / 3200 of a core in 10 ms
    expect(quotaUs()).toBe(1000);
    const period = readFileSync(join(vcpu, 'cpu.cfs_period_us'), 'utf8');
    expect(Number(period)).toBe(10_667);
    expect(await host.write('cpufreq/policy0/scaling_max_freq', '3200000')).toBe('ok');
    expect(quotaUs()).toBe(12_000);
    // No more than the quota, but for a period at the edges; less where others want the machine too.
    expect(full.cores).toBeLessThan(0.25 * 1.04);
    expect(half.cores).toBeLessThan(0.125 * 1.04);
    expect(half.cores).toBeGreaterThan(0.125 * 0.5);
    expect(full.cores).toBeGreaterThan(half.cores);
    expect(full.watts).toBeGreaterThan(half.watts);
    // What a CPU without a rest takes, and idle parts, at the plug.
    expect(full.watts).toBeLessThan((25 + 29.624 + 2.5) / 0.9 + 0.01);
    expect(half.watts).toBeGreaterThan(25 / 0.9);
    await host.end('SIGTERM');
    const quota = join(cgroupRoot, 'cpu', base, 'machine/cpu.cfs_quota_us');
    expect(readFileSync(quota, 'utf8')).toBe('-1\n');
  });
});

describe('the program', () => {
  it.each([
    [[], 'usage: node main.js --mount DIRECTORY --config FILE\n'],
    [['--mount', '/x', '--config', '/no/such/file'], /^ENOENT: .*\/no\/such\/file/],
    [['--what'], /Unknown option/],
  ])('refuses %j', async (words, message) => {
    const failure = await run(process.execPath, [join(program, 'main.js'), ...words]).catch(
      (error: { code: number; stderr: string }) => error,
    );
    expect(failure).toMatchObject({ code: 1, stderr: expect.stringMatching(message) });
  });

  it('refuses files of its own below its mount: it would wait for itself', async () => {
    const config = join(program, 'config.json');
    for (const key of ['meterFile', 'faultsFile', 'cgroupRoot']) {
      await writeFile(config, JSON.stringify({ [key]: '/tmp/hw/proc/x' }));
      const failure = run(process.execPath, [
        ...[join(program, 'main.js'), '--mount', '/tmp/hw', '--config', config],
      ]);
      await expect(failure).rejects.toThrow(`${key}: expected a path outside /tmp/hw`);
    }
  });
});
