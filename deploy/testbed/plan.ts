/** What `up` would make: checked numbers, and every host and VM with all that follows from them. */
import { InputError, type Issue } from '../../sim/index.ts';
import { ConfigError, readConfig } from './hardware/config.ts';
import {
  type HostLayout,
  hostLayout,
  hostsMax,
  type TestbedLayout,
  testbedLayout,
  type VmLayout,
  vmLayout,
  vmsMax,
} from './layout.ts';

/**
 * Disks of VMs. `copy`: a file on every host, so that a migration copies it; `shared`: one file in a
 * directory that all hosts see; `none`: the root file system is in memory anyway.
 */
export const diskKinds = ['none', 'copy', 'shared'] as const;
export type DiskKind = (typeof diskKinds)[number];

export interface TestbedSpec {
  readonly name: string;
  readonly hosts: number;
  readonly vms: number;
  /** How many of the VMs, from the first on, run Redis. */
  readonly redis: number;
  readonly disk: DiskKind;
  /** Keys of the hosts' hardware configuration that are not its defaults. */
  readonly hardware: Readonly<Record<string, unknown>>;
}

export interface VmPlan extends VmLayout {
  readonly hasRedis: boolean;
  readonly memoryMib: number;
  /** vCPUs at the start, and most by hot-plugging. */
  readonly vcpus: number;
  readonly vcpusMax: number;
  /** Name of the host it starts on. */
  readonly home: string;
  readonly disk: DiskKind;
}

export interface TestbedPlan {
  readonly spec: TestbedSpec;
  readonly layout: TestbedLayout;
  readonly hosts: readonly HostLayout[];
  readonly vms: readonly VmPlan[];
}

/** The guest system takes about 60 MiB, Redis with its libraries 40 more. */
const plainMib = 112;
const redisMib = 160;

/** @throws InputError naming all that cannot be. */
export function planTestbed(spec: TestbedSpec): TestbedPlan {
  const issues: Issue[] = [];
  const inRange = (option: string, value: number, least: number, most: number): void => {
    if (Number.isSafeInteger(value) && value >= least && value <= most) return;
    issues.push({
      path: option,
      expected: `a whole number from ${least} to ${most}`,
      got: String(value),
    });
  };
  inRange('--hosts', spec.hosts, 1, hostsMax);
  inRange('--vms', spec.vms, 0, vmsMax);
  inRange('--redis', spec.redis, 0, Math.min(vmsMax, Math.max(0, spec.vms)));
  if (!diskKinds.includes(spec.disk)) {
    issues.push({ path: '--disk', expected: diskKinds.join(', '), got: String(spec.disk) });
  }
  const problem = hardwareProblem(spec.hardware);
  if (problem !== undefined) {
    issues.push({ path: '--hardware', expected: 'a hardware configuration', got: problem });
  }
  if (issues.length > 0) throw new InputError(issues);
  const layout = testbedLayout(spec.name);
  return {
    spec,
    layout,
    hosts: Array.from({ length: spec.hosts }, (_, index) => hostLayout(layout, index + 1)),
    vms: Array.from({ length: spec.vms }, (_, index) => {
      const hasRedis = index < spec.redis;
      return {
        ...vmLayout(index + 1),
        hasRedis,
        memoryMib: hasRedis ? redisMib : plainMib,
        vcpus: 1,
        vcpusMax: 2,
        home: `h${(index % spec.hosts) + 1}`,
        disk: spec.disk,
      };
    }),
  };
}

function hardwareProblem(hardware: TestbedSpec['hardware']): string | undefined {
  try {
    readConfig(hardware);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

/** @throws InputError when the testbed has no host of that name. */
export function hostOf({ hosts }: TestbedPlan, name: string): HostLayout {
  const host = hosts.find((one) => one.name === name);
  if (host !== undefined) return host;
  throw new InputError([
    { path: 'host', expected: hosts.map((one) => one.name).join(', '), got: name },
  ]);
}
