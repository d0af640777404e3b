/**
 * From what telemetry gathers to a snapshot: `learn` once an interval takes new samples into the
 * history of VMs and the calibration of hosts, `snapshotOf` says what is known then.
 */

import type { ClusterFile, ClusterHost } from '../cluster/cluster-file.ts';
import {
  type ClusterSnapshot,
  type SnapshotHost,
  type SnapshotInput,
  type SnapshotVm,
  snapshotSchema,
} from '../cluster/snapshot.ts';
import type { HostCapabilities } from '../probe/capabilities.ts';
import { ageAt } from '../telemetry/doubts.ts';
import type { HostSample } from '../telemetry/sample.ts';
import type { Calibrator, KnownHost } from '../twin/calibrator.ts';
import type { DemandHistory, KnownVm } from './demand-history.ts';
import { frequenciesOf, governorOf, meanMhz, requestedOf } from './host-frequencies.ts';
import { type AnsweringHost, seenVms } from './seen-vms.ts';

/** What is known of one host. */
export interface HostSight {
  /** As probed; absent while it never answered. */
  readonly capabilities?: HostCapabilities;
  /** The newest. */
  readonly sample?: HostSample;
  /** What telemetry cannot tell and the controller did: it holds until it is taken away. */
  readonly state?: 'off' | 'asleep' | 'waking';
  /** What the host was told to run at since it was probed; `null`: nothing any more, its governor is not known. */
  readonly requestedMhz?: number | null;
}

export interface SnapshotSources {
  readonly cluster: ClusterFile;
  /** By the name in the cluster file. */
  readonly hosts: ReadonlyMap<string, HostSight>;
  readonly history: DemandHistory;
  readonly calibrator: Calibrator;
  /** End of the newest interval, ms since 1970. */
  readonly nowMs: number;
}

/** Intervals after which a host that says nothing new counts as not answering. */
const silentAfter = 2.5;
/** Size of a disk that has to be copied and that nobody measured, bytes. */
const unknownDiskBytes = 16 * 2 ** 30;

/** Adds the interval that ends now to the history and the calibration. */
export function learn(sources: SnapshotSources): void {
  const { cluster, history, calibrator, nowMs } = sources;
  const fresh = cluster.hosts.flatMap((host) => newSample(host, sources));
  // A host whose libvirt hangs says nothing about its VMs: they are not gone.
  const answered = new Set(
    fresh.flatMap(({ host, sample }) => ((sample.domains?.confidence ?? 0) > 0 ? [host.name] : [])),
  );
  const { globalQuota: countsGlobalQuota } = cluster.libvirt;
  const answering = fresh.map(({ host, sight, sample }): AnsweringHost => {
    const [nominalMhz] = frequenciesOf(sight.capabilities);
    return { name: host.name, sample, nominalMhz: nominalMhz!, countsGlobalQuota };
  });
  const seen = seenVms(answering, history, fastestOf(sources));
  const silent = new Set(
    cluster.hosts.flatMap(({ name }) =>
      answered.has(name) || sources.hosts.get(name)?.state !== undefined ? [] : [name],
    ),
  );
  history.record(nowMs, cluster.interval, seen, (host) => silent.has(host));
  for (const { host, sight, sample } of fresh) {
    const utilization = utilizationOf(sample);
    const watts = wattsOf(sample);
    const mhz = meanMhz(sample) ?? frequenciesOf(sight.capabilities)[0]!;
    if (utilization === undefined || watts === undefined) continue;
    const confidence = (sample.power?.confidence ?? 0) * (sample.cpus?.confidence ?? 0);
    calibrator.observe(host.name, knownHost(host, sight), { utilization, mhz, watts, confidence });
  }
}

interface FreshHost {
  readonly host: ClusterHost;
  readonly sight: HostSight;
  readonly sample: HostSample;
}

/** A sample that was not learned before, of a host that is on. */
function newSample(host: ClusterHost, sources: SnapshotSources): readonly FreshHost[] {
  const sight = sources.hosts.get(host.name);
  if (sight?.sample === undefined || sight.state !== undefined) return [];
  const { sample } = sight;
  if (!isFresh(sample, sources)) return [];
  return sources.history.isNews(host.name, sample.observedAtMs) ? [{ host, sight, sample }] : [];
}

/** What is known now. Hosts that were never seen and that the cluster file does not describe are `missing`. */
export function snapshotOf(sources: SnapshotSources): {
  /** Absent while no host is known. */
  readonly snapshot?: ClusterSnapshot;
  readonly missing: readonly string[];
} {
  const { cluster, history, calibrator, nowMs } = sources;
  const described = cluster.hosts.flatMap((host) => {
    const sight = sources.hosts.get(host.name) ?? {};
    const entry = hostEntry(host, sight, sources);
    return entry === undefined ? [] : [entry];
  });
  const known = new Map(described.map((host) => [host.name, host]));
  const missing = cluster.hosts.map(({ name }) => name).filter((name) => !known.has(name));
  if (described.length === 0) return { missing };
  const there = history.vms.filter(({ host }) => isUp(known.get(host)));
  const names = there.map(({ name }) => name);
  const bytesPerS = calibrator.migrations.bytesPerS ?? cluster.libvirt.migration.bandwidth;
  const input: SnapshotInput = {
    atMs: nowMs,
    intervalS: cluster.interval / 1000,
    hosts: described,
    vms: there.map((vm) => vmEntry(vm, known, sources)),
    ...(bytesPerS === undefined ? {} : { migrationBytesPerS: bytesPerS }),
    apart: cluster.vms.apart.map((set) => matching(set, names)),
    together: cluster.vms.together.map((set) => matching(set, names)),
  };
  return { snapshot: snapshotSchema.parse(input), missing };
}

const isUp = (host: HostEntry | undefined): boolean =>
  host?.state === 'on' || host?.state === 'unknown';

type HostEntry = SnapshotInput['hosts'][number];
type VmEntry = SnapshotInput['vms'][number];

const isFresh = ({ observedAtMs }: HostSample, { nowMs, cluster }: SnapshotSources): boolean =>
  nowMs - observedAtMs <= silentAfter * cluster.interval;

function fastestOf({ cluster, hosts }: SnapshotSources): number {
  return cluster.hosts.reduce(
    (most, { name }) => Math.max(most, frequenciesOf(hosts.get(name)?.capabilities)[0]!),
    0,
  );
}

function hostEntry(
  host: ClusterHost,
  sight: HostSight,
  sources: SnapshotSources,
): HostEntry | undefined {
  const { capabilities, sample } = sight;
  const cores = coresOf(host, sight);
  const memoryBytes = host.memory ?? capabilities?.memoryBytes ?? sample?.memory?.value.totalBytes;
  if (cores === undefined || memoryBytes === undefined) return undefined;
  const state = stateOf(sight, sources);
  const frequenciesMhz = frequenciesOf(capabilities);
  const isAsProbed = sight.requestedMhz === undefined;
  const requestedMhz = isAsProbed ? requestedOf(capabilities) : (sight.requestedMhz ?? undefined);
  const governor = isAsProbed ? governorOf(capabilities) : undefined;
  const { calibrator } = sources;
  return {
    name: host.name,
    state,
    cores,
    memoryBytes,
    frequenciesMhz,
    power: calibrator.power(host.name, knownHost(host, sight), frequenciesMhz),
    offW: host.offPower,
    ...(host.sleep === 'S3' ? { sleepW: host.offPower } : {}),
    wakeS: host.wakeTime / 1000,
    ...(host.rack === undefined ? {} : { rack: host.rack }),
    ...(requestedMhz === undefined ? {} : { requestedMhz }),
    ...(governor === undefined ? {} : { governor }),
    acceptsVms: !host.maintenance && state !== 'unknown',
    canSleep: host.wake !== undefined,
    ...(state === 'on' ? measured(sample!) : {}),
    confidence: confidenceOfHost(state, sample, sources),
  };
}

/** What the newest interval showed. */
function measured(sample: HostSample): Partial<HostEntry> {
  const [currentMhz, measuredW] = [meanMhz(sample), wattsOf(sample)];
  const utilization = utilizationOf(sample);
  return {
    ...(currentMhz === undefined ? {} : { currentMhz }),
    ...(measuredW === undefined ? {} : { measuredW }),
    ...(utilization === undefined ? {} : { utilization }),
  };
}

function stateOf({ state, sample }: HostSight, sources: SnapshotSources): SnapshotHost['state'] {
  if (state !== undefined) return state;
  return sample !== undefined && isFresh(sample, sources) ? 'on' : 'unknown';
}

/** The least of what is read of it, halved for each interval that it is late. */
function confidenceOfHost(
  state: SnapshotHost['state'],
  sample: HostSample | undefined,
  { nowMs, cluster }: SnapshotSources,
): number {
  // The controller switched it off or on itself.
  if (state === 'off' || state === 'asleep' || state === 'waking') return 1;
  if (state === 'unknown' || sample === undefined) return 0;
  const { cpus, domains } = sample;
  const parts = [cpus, domains].map((part) => part?.confidence ?? 0);
  const oldest = Math.max(
    nowMs - sample.observedAtMs,
    ...[cpus, domains].map((part) => (part === undefined ? 0 : ageAt(part, nowMs))),
  );
  const late = Math.max(0, oldest / cluster.interval - 1);
  return Math.min(...parts) * 2 ** -late;
}

function coresOf(host: ClusterHost, { capabilities, sample }: HostSight): number | undefined {
  const topology = capabilities?.topology;
  const cores = host.cores ?? topology?.onlineCpus ?? topology?.cores ?? sample?.cpus?.value.length;
  return cores === undefined || cores === 0 ? undefined : cores;
}

function knownHost(host: ClusterHost, sight: HostSight): KnownHost {
  return {
    fastestMhz: frequenciesOf(sight.capabilities)[0]!,
    cores: coresOf(host, sight) ?? 1,
    idleW: host.idlePower,
    fullW: host.fullPower,
  };
}

function utilizationOf({ cpus }: HostSample): number | undefined {
  if (cpus === undefined || cpus.value.length === 0 || cpus.confidence === 0) return undefined;
  const sum = cpus.value.reduce((total, { utilization }) => total + utilization, 0);
  return Number.isFinite(sum) ? Math.min(1, Math.max(0, sum / cpus.value.length)) : undefined;
}

/** The board where it is measured, else packages and DRAM; a host has the same at all times. */
function wattsOf({ power }: HostSample): number | undefined {
  if (power === undefined || power.confidence === 0) return undefined;
  const watts = power.value.platformW ?? power.value.socketW;
  return watts !== undefined && watts >= 0 && watts < Infinity ? watts : undefined;
}

function vmEntry(
  vm: KnownVm,
  hosts: ReadonlyMap<string, HostEntry>,
  { cluster, calibrator }: SnapshotSources,
): VmEntry {
  const { name, host, vcpus, memoryBytes, demandMhz, quotaCores, movingTo, hasDisk } = vm;
  const { fixed, ignored } = cluster.vms;
  const dirtyBytesPerS = calibrator.migrations.dirtyBytesPerS(name);
  const mustCopy = hasDisk && cluster.libvirt.migration.storage === 'copy';
  const isMoving = movingTo !== undefined && movingTo !== host && isUp(hosts.get(movingTo));
  return {
    name,
    host,
    vcpus,
    memoryBytes,
    demandMhz: demandMhz.slice(-cluster.history),
    ...(quotaCores === undefined ? {} : { quotaCores }),
    ...(isMoving ? { movingTo } : {}),
    movable: !vm.isDoubled && matching([...fixed, ...ignored], [name]).length === 0,
    ...(dirtyBytesPerS === undefined ? {} : { dirtyBytesPerS }),
    diskBytes: mustCopy ? unknownDiskBytes : 0,
    confidence: Math.min(1, vm.confidence * (vm.isDoubled ? 0.5 : 1)),
  } satisfies Partial<Record<keyof SnapshotVm, unknown>>;
}

/** Names that one of the patterns names; `*` stands for any text. */
export function matching(patterns: readonly string[], names: readonly string[]): string[] {
  return names.filter((name) => patterns.some((pattern) => fits(pattern.split('*'), name)));
}

/** Whether the parts follow each other in `name` with anything between them. */
function fits(parts: readonly string[], name: string): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || name.length < first.length + last.length) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return name.endsWith(last) && name.length - last.length >= at;
}
