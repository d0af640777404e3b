/** Random clusters, with every feature of the twin on or off by chance. */

import { hostLimitMeans } from '../../sim/accounting/limit-spec.ts';
import type { PhaseSpec } from '../../sim/index.ts';
import {
  buildModel,
  type ClusterModel,
  createWorkload,
  idlePolicies,
  type MigrationSpec,
  type ModelSpec,
  type NetworkSpec,
  qemuAutoConverge,
  StepTrace,
  sharedUint16,
  type TaskSpec,
  type TrafficSpec,
  type VmSpec,
} from '../../sim/index.ts';
import { randomApplications, type Sizes } from './applications.ts';
import { Dice } from './dice.ts';
import { randomFaults } from './faults.ts';
import type { Feature, Without } from './features.ts';
import { gib, randomHosts } from './hosts.ts';

export interface RandomCluster {
  readonly model: ClusterModel;
  /** Length of the story, ms, chosen so that a case has some thousand events. */
  readonly spanMs: number;
}

const mib = 1024 * 1024;

/** The cluster of case `seed`. The same for the same seed and features, whatever else runs. */
export function randomCluster(seed: number, without: Without): RandomCluster {
  const rolls = (feature: Feature, index = 0): Dice | undefined =>
    without.has(feature) ? undefined : new Dice(seed, `${feature}/${index}`);
  const dice = new Dice(seed, 'cluster');
  const wantedMs = dice.pick([20_000, 300_000, 3_000_000, 30_000_000]);
  const { hosts, governors, shortestMs } = randomHosts(new Dice(seed, 'hosts'), rolls, wantedMs);
  const spanMs = Math.min(wantedMs, shortestMs * 600);
  const plainVms = dice.integer(1, 12);
  const applications = rolls('applications')?.chance(0.35)
    ? randomApplications(new Dice(seed, 'requests'), plainVms, spanMs)
    : { applications: [], vms: 0 };
  const sizes: Sizes = { hosts: hosts.length, vms: plainVms + applications.vms, spanMs };
  const workload = randomWorkload(new Dice(seed, 'workload'), rolls, sizes, plainVms);
  const tasks = randomTasks(
    rolls('tasks'),
    sizes,
    plainVms,
    (host) => (hosts[host]!.frequency?.domains ?? 1) === 1,
  );
  const network = randomNetwork(rolls, sizes, new Dice(seed, 'network'));
  const initialHost = randomPlaces(new Dice(seed, 'places'), hosts, workload);
  const flows = randomFlows(rolls, sizes, network.type === 'star');
  const spec: ModelSpec = {
    hosts,
    workload,
    initialHost,
    migration: randomMigration(new Dice(seed, 'migration'), rolls, sizes),
    migrationOverheadFraction: dice.pick([0, 0.1, 0.5]),
    ...(dice.chance(0.3) ? { migrationsMax: dice.integer(1, 3) } : {}),
    network,
    ...tasks,
    ...(applications.vms === 0 ? {} : { applications: applications.applications }),
    ...flows,
    ...randomWeights(rolls('weights'), sizes),
    ...(governors.length === 0 ? {} : { governors }),
    ...accountingOf(rolls('accounting'), rolls('limits'), sizes, flows.disks !== undefined),
    ...quotasOf(rolls('quotas'), sizes),
    ...facilityOf(rolls('facility'), spanMs),
    ...faultsOf(rolls('faults'), sizes),
  };
  return { model: buildModel(spec), spanMs };
}

/** Who pays, and with it, at times, who must not pay more than so much. */
function accountingOf(
  dice: Dice | undefined,
  limits: Dice | undefined,
  { hosts, vms, spanMs }: Sizes,
  hasDisks: boolean,
): Pick<ModelSpec, 'accounting'> {
  if (!dice?.chance(0.4)) return {};
  const idle = dice.pick(idlePolicies);
  if (!limits?.chance(0.4)) return { accounting: { idle } };
  const everyMs = Math.max(1, Math.round(spanMs / 200));
  const watts = (count: number, values: readonly number[]): Float64Array =>
    Float64Array.from({ length: count }, () => limits.pick(values));
  return {
    accounting: {
      idle,
      limits: {
        vmCpuW: watts(vms, [Infinity, 2, 30]),
        vmDiskW: watts(vms, [Infinity, 0.1, 2]),
        hostW: watts(hosts, [Infinity, 90, 160]),
        means: limits.pick(hostLimitMeans),
        everyMs,
        diskEveryMs: everyMs * limits.integer(1, 3),
        diskJoulesPerByte: Float64Array.from({ length: hasDisks ? hosts : 0 }, () => 1e-7),
        requestBytes: 65_536,
      },
    },
  };
}

function quotasOf(dice: Dice | undefined, { vms }: Sizes): Pick<ModelSpec, 'quota'> {
  if (!dice?.chance(0.2)) return {};
  const cores = dice.list(vms, () => dice.pick([Infinity, 0.2, 1, 1.7]));
  return { quota: (vm) => cores[vm]! };
}

function facilityOf(dice: Dice | undefined, spanMs: number): Pick<ModelSpec, 'facility'> {
  if (!dice?.chance(0.2)) return {};
  const signal = (values: readonly number[]): StepTrace =>
    new StepTrace(
      Float64Array.from(values, (_, index) => Math.round((index * spanMs) / values.length)),
      Float64Array.from(values),
    );
  return {
    facility: {
      pue: 1.2,
      fixedW: dice.pick([0, 50]),
      pricePerKwh: signal([0.2, 0.4, 0.1, 0.3]),
      ...(dice.chance(0.5) ? { carbonGPerKwh: signal([300, 100, 400]) } : {}),
      ...(dice.chance(0.3) ? { forecast: { hours: 1, error: 0.2, seed: 1 } } : {}),
    },
  };
}

function faultsOf(dice: Dice | undefined, sizes: Sizes): Pick<ModelSpec, 'faults'> {
  return dice?.chance(0.5) ? { faults: randomFaults(dice, sizes) } : {};
}

function randomWorkload(
  dice: Dice,
  rolls: (feature: Feature) => Dice | undefined,
  { vms, spanMs }: Sizes,
  plainVms: number,
): ModelSpec['workload'] {
  const steps = dice.integer(1, 12);
  const intervalMs = Math.max(1, Math.round(spanMs / dice.pick([4, 10, 40])));
  const lives = rolls('lives');
  const specs = dice.list(vms, (vm): VmSpec => {
    const arrives = vm < plainVms && (lives?.chance(0.3) ?? false);
    const arrivalMs = arrives ? Math.round(lives!.between(0, spanMs)) : 0;
    const ends = lives?.chance(vm < plainVms ? 0.3 : 0.1) ?? false;
    return {
      name: `vm-${vm}`,
      vcpus: dice.integer(1, 4),
      vcpuMips: dice.pick([300, 1000, 2500]),
      memoryBytes: dice.pick([0.25, 0.5, 1, 2, 4]) * gib,
      arrivalMs,
      departureMs: ends ? arrivalMs + Math.round(lives!.between(0, spanMs)) : Infinity,
      mipsPerUnit: dice.pick([1, 0.125, 25]),
    };
  });
  const units = sharedUint16(steps * vms);
  for (let cell = 0; cell < units.length; cell++) {
    const { vcpus, vcpuMips, mipsPerUnit } = specs[cell % vms]!;
    const most = (vcpus * vcpuMips) / mipsPerUnit;
    const share = dice.pick([0, 0.1, 0.5, 0.9, 1, 1.2]) * dice.between(0.5, 1);
    units[cell] = Math.min(65_535, Math.round(share * most));
  }
  return createWorkload('fuzz', intervalMs, specs, units);
}

/** Where the VMs are at time 0: anywhere that has the memory and runs, or nowhere. */
function randomPlaces(
  dice: Dice,
  hosts: ModelSpec['hosts'],
  workload: ModelSpec['workload'],
): number[] {
  const free = hosts.map((host) => (host.initiallyOn === false ? 0 : host.memoryBytes));
  return Array.from(workload.memoryBytes, (memory, vm) => {
    const host = dice.integer(0, hosts.length - 1);
    const stays = dice.chance(0.8) && workload.arrivalMs[vm] === 0;
    if (!stays || free[host]! < memory) return -1;
    free[host]! -= memory;
    return host;
  });
}

function randomMigration(
  dice: Dice,
  rolls: (feature: Feature, index?: number) => Dice | undefined,
  { spanMs }: Sizes,
): ModelSpec['migration'] {
  // A move of 1 GiB takes from a thousandth to a third of the story.
  const bytesPerS = (gib * 1000) / (spanMs * dice.pick([0.001, 0.03, 0.3]));
  return (vm) => {
    const own = rolls('migration-rules', vm);
    const storage = rolls('storage', vm);
    const base: MigrationSpec = {
      bytesPerS: Math.ceil(bytesPerS),
      dirtyIntensity: dice.pick([0, 0.2, 0.6, 1.1]),
      workingSetBytes: dice.pick([0, 64 * mib, 400 * mib]),
    };
    return {
      ...base,
      ...(own === undefined ? {} : randomRules(own, spanMs, bytesPerS)),
      ...(storage?.chance(0.2) ? { storageBytes: gib, storageBytesPerS: 2 * bytesPerS } : {}),
    };
  };
}

function randomRules(dice: Dice, spanMs: number, bytesPerS: number): Partial<MigrationSpec> {
  if (dice.chance(0.3)) return {};
  const remedies = ['goOn', 'stop', 'abort', 'postCopy'] as const;
  const optional: Partial<MigrationSpec>[] = [
    { downtimeLimitS: dice.pick([0, 0.03, spanMs / 20_000]) },
    { roundsMax: dice.integer(1, 5) },
    { resumeS: dice.pick([0, spanMs / 50_000]) },
    {
      autoConverge: dice.pick([
        null,
        qemuAutoConverge,
        { trigger: 0, initial: 0.5, step: 0.4, max: 0.95 },
      ]),
    },
    {
      stallFraction: dice.pick([0.2, 0.9]),
      stallRounds: dice.integer(1, 2),
      onStall: dice.pick(remedies),
    },
    { timeoutS: dice.between(0, spanMs / 5_000), onTimeout: dice.pick(remedies) },
    {
      postCopy: dice.pick(['request', 'afterFirstRound', 'start'] as const),
      postCopyPauseS: dice.pick([0, spanMs / 100_000]),
      postCopySlowdown: dice.pick([0, 0.3, 0.9]),
    },
    { compression: dice.pick([1, 2.5]), channels: dice.integer(1, 3) },
    { dirtyBytesPerS: bytesPerS * dice.pick([0, 0.1, 1.2]) },
  ];
  return Object.assign({}, ...optional.filter(() => dice.chance(0.4))) as Partial<MigrationSpec>;
}

function randomNetwork(
  rolls: (feature: Feature) => Dice | undefined,
  { hosts, spanMs }: Sizes,
  dice: Dice,
): NetworkSpec {
  const portBytesPerS = (gib * 1000) / (spanMs * dice.pick([0.01, 0.03, 0.1]));
  const routes = rolls('routes');
  if (routes?.chance(0.2)) return routedNetwork(routes, hosts, portBytesPerS);
  const racks = rolls('racks');
  const above = racks?.maybe(0.4, () => {
    const perRack = racks.integer(1, 3);
    return {
      rackOf: (host: number) => Math.floor(host / perRack),
      uplinkBytesPerS: portBytesPerS * racks.pick([0.3, 1, 4]),
      ...(racks.chance(0.5) ? { coreBytesPerS: portBytesPerS * racks.pick([0.5, 2]) } : {}),
    };
  });
  return {
    type: 'star',
    portBytesPerS,
    duplex: dice.chance(0.5),
    ...(above === undefined ? {} : { racks: above }),
    ...(racks?.chance(0.5) ? { outsideBytesPerS: portBytesPerS / 2 } : {}),
  };
}

/** A link per host and a common one, or a chain. */
function routedNetwork(dice: Dice, hosts: number, bytesPerS: number): NetworkSpec {
  const links = dice.list(hosts + 1, () => ({
    bytesPerS: bytesPerS * dice.pick([0.5, 1, 2]),
    latencyS: dice.pick([0, 0.0001, 0.05]),
  }));
  const routes = dice
    .list(hosts * hosts, (pair) => ({
      source: Math.floor(pair / hosts),
      target: pair % hosts,
      links: [...new Set([Math.floor(pair / hosts), hosts, pair % hosts])],
    }))
    .filter(({ source, target }) => source < target);
  return {
    type: 'routed',
    links,
    routes,
    transport: dice.pick(['fluid', 'tcp'] as const),
    crossTraffic: dice.chance(0.5),
  };
}

/** Work on hosts, and in some of the plain VMs, whose demand then follows it. */
function randomTasks(
  dice: Dice | undefined,
  { hosts, vms, spanMs }: Sizes,
  plainVms: number,
  takesTasks: (host: number) => boolean,
): Pick<ModelSpec, 'tasks' | 'taskDriven'> {
  if (dice === undefined || dice.chance(0.5)) return {};
  const taskDriven = Array.from({ length: vms }, (_, vm) => vm < plainVms && dice.chance(0.4));
  const busy = [...taskDriven.keys()].filter((vm) => taskDriven[vm]);
  const tasks = dice
    .list(dice.integer(1, 10), (index): TaskSpec => {
      const host = dice.integer(0, hosts - 1);
      const inVm = busy.length > 0 && dice.chance(0.7);
      return {
        name: `task-${index}`,
        on: inVm ? { vm: dice.pick(busy) } : { host },
        startMs: dice.chance(0.4) ? 0 : Math.round(dice.between(0, spanMs)),
        phases: randomPhases(dice, spanMs),
      };
    })
    .filter((task) => 'vm' in task.on || takesTasks(task.on.host));
  return { taskDriven, tasks };
}

function randomPhases(dice: Dice, spanMs: number): PhaseSpec[] {
  const phases = dice.list(dice.integer(1, 4), (): PhaseSpec => {
    const kind = dice.pick(['work', 'work', 'sleep', 'sleepUntil'] as const);
    if (kind === 'sleep') return { type: 'sleep', ms: dice.pick([0, 1, spanMs / 10]) };
    if (kind === 'sleepUntil') return { type: 'sleepUntil', timeMs: dice.between(0, spanMs) };
    const work = dice.pick([0, 1, spanMs * dice.between(0, 1)]);
    if (dice.chance(0.3)) return { type: 'work', work, threads: dice.integer(1, 6) };
    return {
      type: 'work',
      work,
      ...(dice.chance(0.3) ? { boundMips: dice.pick([1, 333]) } : {}),
      ...(dice.chance(0.3) ? { priority: dice.pick([0.5, 3]) } : {}),
    };
  });
  return dice.chance(0.1) ? [...phases, { type: 'endless' }] : phases;
}

/** Traffic, disks, CPU of copying. */
function randomFlows(
  rolls: (feature: Feature) => Dice | undefined,
  { hosts, vms, spanMs }: Sizes,
  star: boolean,
): Pick<ModelSpec, 'traffic' | 'disks' | 'copyingCores' | 'trackNic'> {
  const rate = (gib * 1000) / spanMs;
  const traffic = rolls('traffic');
  const disks = rolls('disks');
  const copying = rolls('copying');
  return {
    ...(traffic?.chance(0.35) ? { traffic: randomTraffic(traffic, vms, spanMs, star) } : {}),
    ...(disks?.chance(0.3) ? { disks: randomDisks(disks, hosts, vms, rate) } : {}),
    ...(copying?.chance(0.3)
      ? {
          copyingCores: { source: copying.pick([0, 1, 9]), target: 0.5, atBytesPerS: 30 * rate },
        }
      : {}),
    ...(copying?.chance(0.2) ? { trackNic: true } : {}),
  };
}

function randomTraffic(dice: Dice, vms: number, spanMs: number, star: boolean): TrafficSpec[] {
  const rate = (gib * 1000) / spanMs;
  return dice.list(dice.integer(1, 6), (): TrafficSpec => {
    const vm = dice.integer(0, vms - 1);
    const other = (vm + dice.integer(0, vms - 1)) % vms;
    return {
      from: star && dice.chance(0.2) ? 'outside' : { vm },
      to: star && dice.chance(0.2) ? 'outside' : { vm: other },
      bytesPerS: rate * dice.pick([0, 1, 30, 300]),
      ...(dice.chance(0.4) ? { bytes: dice.pick([0, 1, gib]) } : {}),
      ...(dice.chance(0.4) ? { startMs: dice.between(0, spanMs) } : {}),
    };
  });
}

function randomDisks(
  dice: Dice,
  hosts: number,
  vms: number,
  rate: number,
): NonNullable<ModelSpec['disks']> {
  const rates = dice.list(hosts, () => rate * dice.pick([3, 30]));
  const demands = dice.list(vms, () => ({
    bytesPerS: rate * dice.pick([0, 1, 20]),
    bytesPerMi: dice.pick([0, rate / 1000]),
    ...(dice.chance(0.3) ? { limitBytesPerS: rate * dice.pick([0, 2]) } : {}),
  }));
  return { bytesPerS: (host) => rates[host]!, demand: (vm) => demands[vm]! };
}

function randomWeights(
  dice: Dice | undefined,
  { vms }: Sizes,
): Pick<ModelSpec, 'vmWeight' | 'pinnedCore'> {
  if (dice === undefined) return {};
  const weights = dice.list(vms, () => dice.pick([1, 1, 0.25, 8, 1000]));
  const pins = dice.list(vms, () => dice.pick([-1, -1, 0, 1]));
  return {
    ...(dice.chance(0.5) ? { vmWeight: (vm) => weights[vm]! } : {}),
    ...(dice.chance(0.3) ? { pinnedCore: (vm) => pins[vm]! } : {}),
  };
}
