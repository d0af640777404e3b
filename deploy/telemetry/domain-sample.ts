/** What a VM did in an interval. */
import type { CgroupReading } from './cgroup.ts';
import type { BalloonReading, DomainReading, DomainState } from './domstats.ts';
import type { Doubt } from './doubts.ts';
import { present } from './meminfo.ts';

export interface DeviceRates {
  readonly device: string;
  /** By counter, per second: `readBytes`, `receivedPackets`, … */
  readonly perS: Readonly<Record<string, number>>;
}

export interface DomainSample {
  readonly name: string;
  readonly state?: DomainState;
  readonly vcpus?: number;
  /** CPU that the vCPUs got, in cores. */
  readonly usedCores?: number;
  /**
   * CPU that the vCPUs asked for, in cores: time on a CPU plus time ready to run without one. Stays at
   * what the VM wants when a quota or other VMs hold it back. Absent where libvirt has no `delay`.
   */
  readonly demandCores?: number;
  /** CPU of the whole VM with QEMU's own threads, in cores. */
  readonly totalCores?: number;
  /** Part of it that KVM burned while polling for an idle vCPU, in cores. */
  readonly haltPollCores?: number;
  /** Share of the quota's periods in which it was used up, in [0, 1]. */
  readonly throttledFraction?: number;
  /** Quota of the whole VM (libvirt's `global_quota`), in cores. */
  readonly quotaCores?: number;
  /** Quotas of its vCPUs (`vcpu_quota`), in cores in all; absent unless each has one. */
  readonly vcpuQuotaCores?: number;
  readonly weight?: number;
  readonly memory?: BalloonReading;
  readonly blocks?: readonly DeviceRates[];
  readonly interfaces?: readonly DeviceRates[];
  readonly confidence: number;
  readonly doubts: readonly Doubt[];
}

/** Guests tell about their memory every few seconds at best; after this it says little, s. */
const balloonStaleS = 60;
/** A vCPU cannot have more than one core; clocks that are read apart may say a little more. */
const overOne = 1.1;

/**
 * The difference of two readings of a VM. Where the VM was started anew between them its rates are
 * absent and `reset` says why.
 *
 * @param hostWallS The host's clock at the second reading, to tell how old the guest's figures are.
 */
export function domainSample(
  before: DomainReading | undefined,
  after: DomainReading,
  groups: {
    readonly before?: CgroupReading | undefined;
    readonly after?: CgroupReading | undefined;
    readonly vcpus?: readonly CgroupReading[];
  },
  elapsedS: number,
  hostWallS: number | undefined,
): Omit<DomainSample, 'confidence'> {
  const doubts: Doubt[] = [];
  const isNew = before === undefined || wasRestarted(before, after, groups);
  if (before !== undefined && isNew) doubts.push('reset');
  const { lastUpdateS } = after.balloon;
  if (lastUpdateS !== undefined && hostWallS !== undefined) {
    if (hostWallS - lastUpdateS > balloonStaleS) doubts.push('stale');
  }
  return {
    name: after.name,
    ...present({
      state: after.state,
      vcpus: after.vcpusCurrent,
      memory: Object.keys(after.balloon).length === 0 ? undefined : after.balloon,
      quotaCores: groups.after?.quotaCores,
      vcpuQuotaCores: vcpuQuota(groups.vcpus ?? []),
      weight: groups.after?.weight,
    }),
    ...(isNew ? {} : domainRates(before, after, elapsedS)),
    ...(isNew ? {} : throttling(groups.before, groups.after)),
    doubts,
  };
}

/** Without a quota on each of them, some vCPU is unlimited. */
function vcpuQuota(vcpus: readonly CgroupReading[]): number | undefined {
  if (vcpus.length === 0 || vcpus.some(({ quotaCores }) => quotaCores === undefined)) {
    return undefined;
  }
  return vcpus.reduce((sum, { quotaCores }) => sum + quotaCores!, 0);
}

/** Another libvirt number, or a counter that only ever rises has fallen. */
function wasRestarted(
  before: DomainReading,
  after: DomainReading,
  groups: {
    readonly before?: CgroupReading | undefined;
    readonly after?: CgroupReading | undefined;
  },
): boolean {
  const [id, idBefore] = [groups.after?.id, groups.before?.id];
  if (id !== undefined && idBefore !== undefined && id !== idBefore) return true;
  if ((after.cpuTimeNs ?? 0) < (before.cpuTimeNs ?? 0)) return true;
  return after.vcpus.some(({ vcpu, timeNs }) => {
    const old = before.vcpus.find((one) => one.vcpu === vcpu);
    return old !== undefined && timeNs < old.timeNs;
  });
}

function domainRates(
  before: DomainReading,
  after: DomainReading,
  elapsedS: number,
): Partial<DomainSample> {
  const cores = (from: number | undefined, to: number | undefined): number | undefined =>
    from === undefined || to === undefined || to < from ? undefined : (to - from) / 1e9 / elapsedS;
  // A vCPU that came or went in the interval is in neither sum.
  const pairs = after.vcpus.flatMap((now) => {
    const old = before.vcpus.find(({ vcpu }) => vcpu === now.vcpu);
    return old === undefined ? [] : [{ old, now }];
  });
  let used = 0;
  let demand: number | undefined = 0;
  for (const { old, now } of pairs) {
    const ran = Math.min(cores(old.timeNs, now.timeNs) ?? 0, overOne);
    const waited = cores(old.delayNs, now.delayNs);
    used += ran;
    demand =
      demand === undefined || waited === undefined
        ? undefined
        : demand + Math.max(ran, Math.min(1, ran + waited));
  }
  const hasVcpus = pairs.length > 0;
  const rates = present({
    usedCores: hasVcpus ? used : undefined,
    demandCores: hasVcpus ? demand : undefined,
    totalCores: cores(before.cpuTimeNs, after.cpuTimeNs),
    haltPollCores: cores(before.haltPollNs, after.haltPollNs),
  });
  const blocks = deviceRates(before.blocks, after.blocks, elapsedS);
  const interfaces = deviceRates(before.interfaces, after.interfaces, elapsedS);
  return {
    ...rates,
    ...(blocks.length === 0 ? {} : { blocks }),
    ...(interfaces.length === 0 ? {} : { interfaces }),
  };
}

type Device = { readonly device: string };

/** Rates of the counters that both readings of a device have and that did not fall. */
export function deviceRates(
  before: readonly Device[],
  after: readonly Device[],
  elapsedS: number,
): DeviceRates[] {
  const old = new Map(before.map((device) => [device.device, device]));
  return after.flatMap((now) => {
    const then = old.get(now.device);
    if (then === undefined) return [];
    const earlier = new Map<string, unknown>(Object.entries(then));
    const perS = Object.fromEntries(
      Object.entries(now).flatMap(([counter, value]: [string, unknown]) => {
        const from = earlier.get(counter);
        return typeof value === 'number' && typeof from === 'number' && value >= from
          ? [[counter, (value - from) / elapsedS]]
          : [];
      }),
    );
    return [{ device: now.device, perS }];
  });
}

function throttling(
  before: CgroupReading | undefined,
  after: CgroupReading | undefined,
): Pick<DomainSample, 'throttledFraction'> {
  const periods = (after?.periods ?? Number.NaN) - (before?.periods ?? Number.NaN);
  const held = (after?.throttledPeriods ?? Number.NaN) - (before?.throttledPeriods ?? Number.NaN);
  return periods > 0 && held >= 0 ? { throttledFraction: Math.min(1, held / periods) } : {};
}
