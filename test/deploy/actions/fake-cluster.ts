/**
 * A cluster that keeps state without a hypervisor: hosts are folders, reached by an `ssh` of our own
 * that is first on PATH; their `virsh` moves VMs from folder to folder, their sysfs files follow the
 * kernel's rules for cpufreq. Each can be told to misbehave.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../../deploy/clock.ts';
import { type ClusterFile, clusterSchema } from '../../../deploy/cluster/cluster-file.ts';
import { openSsh, type Transport } from '../../../deploy/ssh/transport.ts';
import { programs, tools } from './fake-programs.ts';

export interface FakeCpufreq {
  /** Default 2. */
  readonly policies?: number;
  /** Default `performance powersave userspace schedutil`. */
  readonly governors?: readonly string[];
  /** Fastest first; default 2.6, 2.0, 1.2 GHz. */
  readonly frequenciesKhz?: readonly number[];
  /** As drivers without a table of frequencies do it. */
  readonly hidesTable?: boolean;
}

export interface FakeHostSpec {
  /** `[USER@]HOST`. */
  readonly name: string;
  /** Default 8192. */
  readonly memoryMib?: number;
  /** `null`: none, as in a guest. */
  readonly cpufreq?: FakeCpufreq | null;
  /** Default true: `systemctl` is there and used. */
  readonly systemd?: boolean;
  /** Default true. */
  readonly canWake?: boolean;
  /** Default `S5`. */
  readonly sleep?: 'S3' | 'S5';
}

export interface FakeDisk {
  readonly path: string;
  readonly bytes: number;
  /** Default `raw`. */
  readonly format?: string;
}

export interface FakeVmSpec {
  readonly name: string;
  readonly host: string;
  /** Default 2, 4. */
  readonly vcpus?: number;
  readonly maxVcpus?: number;
  /** Default 1024, 1024. */
  readonly memoryMib?: number;
  readonly maxMemoryMib?: number;
  /** What the guest could do without, MiB; unknown by default. */
  readonly usableMib?: number;
  readonly isRunning?: boolean;
  readonly isTransient?: boolean;
  readonly disks?: readonly FakeDisk[];
}

/** How the next migrations of a VM go. */
export type FakeMigration = 'normal' | 'fail' | 'never' | 'lose' | 'twice';

/** One VM on one host as the fake libvirt has it. */
export interface FakeVmState {
  readonly isRunning: boolean;
  readonly live: Readonly<Record<string, string>>;
  readonly config: Readonly<Record<string, string>>;
}

export interface FakeHostState {
  readonly isOn: boolean;
  /** Values of the files of each policy that can be written, and the frequency. */
  readonly cpufreq: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly vms: Readonly<Record<string, FakeVmState>>;
}

export interface FakeCluster {
  /** Its folder; gone when the test ends. */
  readonly directory: string;
  /** A cluster file of its hosts. `over` is merged into its top level. */
  file(over?: Readonly<Record<string, unknown>>): ClusterFile;
  /** Over the fake `ssh`; closed when the test ends. */
  readonly transport: Transport;
  /** Everything that operations change; for comparisons. */
  state(): Readonly<Record<string, FakeHostState>>;
  /** Hosts where the VM runs. */
  placesOf(vm: string): readonly string[];
  /** Every call of a host's programs: host, program, words. */
  calls(): readonly (readonly string[])[];
  /** All scripts that came over `ssh`. */
  scripts(): string;
  /** How migrations of a VM go and how long they take, ms. */
  migrations(vm: string, how: FakeMigration, ms?: number): void;
  /** The VM takes such a command and does nothing: shutdown, memory, vcpus, shares, quota, period, pin, abort. */
  ignores(vm: string, what: string, does?: boolean): void;
  /** Shell that runs in place of what `virsh` does on the host, e.g. `exit 1`; `undefined` ends it. */
  libvirtFault(host: string, snippet: string | undefined): void;
  /** The answer to the next script with that text in it is lost; the script runs. */
  losesAnswer(host: string, text: string): void;
  /** Shell that runs in `ssh` before the script is sent. */
  sshFault(host: string, snippet: string | undefined): void;
  /** Ends all connections to the host and lets none through until `join`; what runs there runs on. */
  cut(host: string): void;
  join(host: string): void;
  /** Takes its power. */
  kill(host: string): void;
  powerOn(host: string): void;
  /** A switch of the host: stays-on, no-sudo, wake-fails, wake-deaf, wake-ms, loses-cpufreq. */
  flag(host: string, name: string, value?: string): void;
  /** Hosts that `wake` was called for. */
  wakes(): readonly string[];
  /** What writing to a policy's files does: `ignored`, `einval` or `readonly`; no files: as it should. */
  cpufreqFault(
    host: string,
    policy: number,
    kind: 'ignored' | 'einval' | 'readonly',
    files: readonly string[],
  ): void;
  /** Replaces a file of a host. */
  put(host: string, path: string, content: string): void;
  /** A path of a host, on this machine. */
  path(host: string, path: string): string;
}

export interface FakeClusterSpec {
  readonly hosts: readonly FakeHostSpec[];
  readonly vms?: readonly FakeVmSpec[];
}

const writableFiles = [
  'scaling_governor',
  'scaling_min_freq',
  'scaling_max_freq',
  'scaling_setspeed',
] as const;
const cpufreqPath = '/sys/devices/system/cpu/cpufreq';

/** Name of a VM as a UUID: always the same for the same name. */
export function fakeUuid(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join('-');
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const read = (path: string): string => readFileSync(path, 'utf8').replace(/\n$/, '');

/** Folders in a folder that may not be there. */
const folders = (path: string): string[] => (existsSync(path) ? readdirSync(path).sort() : []);

function layHost(root: string, host: FakeHostSpec): void {
  const { memoryMib = 8192, cpufreq = {} } = host;
  mkdirSync(join(root, 'domains'), { recursive: true });
  mkdirSync(join(root, '.sessions'));
  write(
    join(root, 'proc/meminfo'),
    `MemTotal: ${memoryMib * 1024} kB\nMemAvailable: ${memoryMib * 1024} kB\n`,
  );
  write(join(root, 'proc/uptime'), '1000.00 1000.00\n');
  write(join(root, 'sys/devices/system/cpu/online'), '0-3\n');
  write(join(root, 'sys/power/state'), 'freeze mem disk\n');
  if (host.systemd !== false) mkdirSync(join(root, 'run/systemd/system'), { recursive: true });
  if (cpufreq === null) return;
  const frequencies = cpufreq.frequenciesKhz ?? [2_600_000, 2_000_000, 1_200_000];
  const governors = cpufreq.governors ?? ['performance', 'powersave', 'userspace', 'schedutil'];
  const governor = governors.includes('schedutil') ? 'schedutil' : governors[0]!;
  const fastest = Math.max(...frequencies);
  const slowest = Math.min(...frequencies);
  for (let policy = 0; policy < (cpufreq.policies ?? 2); policy++) {
    const files: Record<string, string> = {
      affected_cpus: `${policy * 2} ${policy * 2 + 1}`,
      cpuinfo_min_freq: String(slowest),
      cpuinfo_max_freq: String(fastest),
      scaling_available_governors: governors.join(' '),
      scaling_driver: cpufreq.hidesTable === true ? 'intel_pstate' : 'acpi-cpufreq',
      scaling_governor: governor,
      scaling_min_freq: String(slowest),
      scaling_max_freq: String(fastest),
      scaling_cur_freq: String(governor === 'powersave' ? slowest : fastest),
      scaling_setspeed: '<unsupported>',
      ...(cpufreq.hidesTable === true
        ? {}
        : { scaling_available_frequencies: frequencies.join(' ') }),
    };
    for (const [file, text] of Object.entries(files)) {
      write(join(root, cpufreqPath, `policy${policy * 2}`, file), `${text}\n`);
    }
  }
  cpSync(join(root, cpufreqPath), join(root, '.boot-cpufreq'), { recursive: true });
}

function layVm(root: string, vm: FakeVmSpec): void {
  const { vcpus = 2, maxVcpus = 4, memoryMib = 1024, maxMemoryMib = memoryMib } = vm;
  const domain = join(root, 'domains', fakeUuid(vm.name));
  const isRunning = vm.isRunning !== false;
  const files: Record<string, string> = {
    name: vm.name,
    state: isRunning ? '1' : '5',
    reason: '1',
    max_vcpus: String(maxVcpus),
    max_memory: String(maxMemoryMib * 1024),
    ...(vm.usableMib === undefined ? {} : { usable: String(vm.usableMib * 1024) }),
    ...(vm.isTransient === true ? { '.transient': '' } : {}),
  };
  const tuning: Record<string, string> = {
    vcpus: String(vcpus),
    memory: String(memoryMib * 1024),
    shares: '1024',
    quota: '-1',
    period: '100000',
  };
  for (let vcpu = 0; vcpu < maxVcpus; vcpu++) tuning[`pin.${vcpu}`] = '0-3';
  for (const [key, value] of Object.entries(tuning)) {
    files[`config/${key}`] = value;
    if (isRunning) files[`live/${key}`] = value;
  }
  for (const [file, text] of Object.entries(files)) write(join(domain, file), `${text}\n`);
  const disks = vm.disks ?? [];
  write(
    join(domain, 'disks'),
    disks
      .map(
        ({ path, bytes, format = 'raw' }, index) =>
          `${[`vd${String.fromCharCode(97 + index)}`, path, format, bytes].join('\t')}\n`,
      )
      .join(''),
  );
  for (const { path, bytes } of disks) {
    write(join(root, path), '');
    truncateSync(join(root, path), bytes);
  }
}

/** A cluster for one test; gone, with its `ssh`, when the test ends. */
export function createFakeCluster({ hosts, vms = [] }: FakeClusterSpec): FakeCluster {
  const directory = mkdtempSync(join(tmpdir(), 'wattwin-cluster-'));
  const pathBefore = process.env['PATH'];
  process.env['PATH'] = `${directory}:${pathBefore}`;
  const transport = openSsh({ clock: systemClock });
  onTestFinished(async () => {
    await transport.close();
    process.env['PATH'] = pathBefore;
    rmSync(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  });
  for (const [path, text] of Object.entries(programs)) {
    write(join(directory, path), `#!/bin/sh\n${text}`);
    chmodSync(join(directory, path), 0o755);
  }
  mkdirSync(join(directory, 'tools'));
  for (const tool of tools) {
    const [found] = ['/usr/bin', '/bin'].map((bin) => join(bin, tool)).filter(existsSync);
    if (found !== undefined) symlinkSync(found, join(directory, 'tools', tool));
  }
  for (const file of ['calls.log', 'scripts.log', 'wakes.log']) write(join(directory, file), '');
  const rootOf = (host: string): string => join(directory, 'hosts', host);
  const addressOf = (host: string): string => host.slice(host.lastIndexOf('@') + 1);
  for (const host of hosts) {
    layHost(rootOf(host.name), host);
    write(join(directory, 'addresses', addressOf(host.name)), host.name);
  }
  for (const vm of vms) layVm(rootOf(vm.host), vm);

  const domainsOf = (host: string): string[] =>
    folders(join(rootOf(host), 'domains')).map((uuid) => join(rootOf(host), 'domains', uuid));
  const domainsNamed = (vm: string): string[] =>
    hosts
      .flatMap(({ name }) => domainsOf(name))
      .filter((domain) => read(join(domain, 'name')) === vm);
  const flag = (path: string, value: string | undefined): void => {
    if (value === undefined) rmSync(path, { force: true });
    else write(path, `${value}\n`);
  };
  const valuesIn = (path: string): Record<string, string> =>
    Object.fromEntries(folders(path).map((file) => [file, read(join(path, file))]));
  const vmState = (domain: string): FakeVmState => {
    const isRunning = read(join(domain, 'state')) !== '5';
    return {
      isRunning,
      live: isRunning ? valuesIn(join(domain, 'live')) : {},
      config: valuesIn(join(domain, 'config')),
    };
  };

  return {
    directory,
    transport,
    file: (over = {}) =>
      clusterSchema.parse({
        hosts: hosts.map((host) => ({
          name: host.name,
          sleep: host.sleep ?? 'S5',
          wakeTime: '1 s',
          ...(host.canWake === false ? {} : { wake: [join(directory, 'wake'), host.name] }),
        })),
        ...over,
      }),
    state: () =>
      Object.fromEntries(
        hosts.map(({ name }) => [
          name,
          {
            isOn: !existsSync(join(rootOf(name), '.off')),
            cpufreq: Object.fromEntries(
              folders(join(rootOf(name), cpufreqPath)).map((policy) => [
                policy,
                Object.fromEntries(
                  [...writableFiles, 'scaling_cur_freq'].map((file) => [
                    file,
                    read(join(rootOf(name), cpufreqPath, policy, file)),
                  ]),
                ),
              ]),
            ),
            vms: Object.fromEntries(
              domainsOf(name).map((domain) => [read(join(domain, 'name')), vmState(domain)]),
            ),
          },
        ]),
      ),
    placesOf: (vm) =>
      hosts
        .map(({ name }) => name)
        .filter((name) =>
          domainsOf(name).some(
            (domain) => read(join(domain, 'name')) === vm && read(join(domain, 'state')) === '1',
          ),
        ),
    calls: () =>
      readFileSync(join(directory, 'calls.log'), 'utf8')
        .split('\x1e\n')
        .slice(0, -1)
        .map((line) => line.split('\x1f')),
    scripts: () => readFileSync(join(directory, 'scripts.log'), 'utf8'),
    migrations(vm, how, ms = 60) {
      for (const domain of domainsNamed(vm)) {
        flag(join(domain, '.migration'), how);
        flag(join(domain, '.migration-ms'), String(ms));
      }
    },
    ignores(vm, what, does = true) {
      for (const domain of domainsNamed(vm)) {
        flag(join(domain, `.ignores-${what}`), does ? '' : undefined);
      }
    },
    libvirtFault: (host, snippet) => flag(join(rootOf(host), '.libvirt-fault'), snippet),
    losesAnswer: (host, text) => flag(join(rootOf(host), '.loses-answer'), text),
    sshFault: (host, snippet) => flag(join(rootOf(host), '.ssh-fault'), snippet),
    cut(host) {
      write(join(rootOf(host), '.cut'), '');
      for (const session of folders(join(rootOf(host), '.sessions'))) {
        // Only the `ssh` process: what it started on the host goes on.
        if (/^\d+$/.test(session)) process.kill(Number(session), 'SIGTERM');
      }
    },
    join: (host) => rmSync(join(rootOf(host), '.cut'), { force: true }),
    kill(host) {
      write(join(rootOf(host), '.off'), '');
      for (const domain of domainsOf(host)) {
        if (read(join(domain, 'state')) !== '5') {
          write(join(domain, 'state'), '5\n');
          write(join(domain, 'reason'), '6\n');
        }
        rmSync(join(domain, 'job'), { recursive: true, force: true });
      }
    },
    powerOn: (host) => rmSync(join(rootOf(host), '.off'), { force: true }),
    wakes: () => readFileSync(join(directory, 'wakes.log'), 'utf8').split('\n').slice(0, -1),
    flag: (host, name, value = '') => write(join(rootOf(host), `.${name}`), `${value}\n`),
    cpufreqFault: (host, policy, kind, files) =>
      flag(join(rootOf(host), cpufreqPath, `policy${policy}`, `.${kind}`), files.join('\n')),
    put: (host, path, content) => write(join(rootOf(host), path), content),
    path: (host, path) => join(rootOf(host), path),
  };
}

/** Size of a host's file, bytes; `undefined` when it is not there. */
export function sizeOf(cluster: FakeCluster, host: string, path: string): number | undefined {
  const here = cluster.path(host, path);
  return existsSync(here) ? statSync(here).size : undefined;
}
