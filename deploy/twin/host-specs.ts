/** The hosts of a snapshot as the twin describes hosts. 1 MHz of a core is 1 MIPS. */
import {
  type GovernorSpec,
  governorNamed,
  type HostSpec,
  type ModelSpec,
  type PstateSpec,
} from '../../sim/index.ts';
import type { ClusterSnapshot, SnapshotHost } from '../cluster/snapshot.ts';
import { followingGovernors, followingRule, standingMhz } from '../cluster/standing-frequency.ts';

/** Samples that a rule which may circle through frequencies takes in an interval. */
const samplesMax = 200;

/** The hosts, and the rules by which they choose their frequencies themselves. */
export function hostSpecsOf({
  hosts,
  intervalS,
}: ClusterSnapshot): Required<Pick<ModelSpec, 'hosts' | 'governors'>> {
  const names = followingGovernors.filter((name) =>
    hosts.some((host) => followingRule(host) === name),
  );
  const specs = names.map((name, rule): GovernorSpec => {
    const { periodMs, slots } = governorNamed(name, 'governor');
    // It never comes to rest at some loads: samples of its usual 10 ms would be all that a forecast does.
    const longestMs = name === 'ondemand' ? (1000 * intervalS) / samplesMax : 0;
    return { rule, periodMs: Math.max(periodMs, longestMs), slots, endsWhenSet: true };
  });
  const governorOf = (host: SnapshotHost): Pick<HostSpec, 'governor'> => {
    const name = followingRule(host);
    return name === undefined ? {} : { governor: specs[names.indexOf(name)]! };
  };
  return {
    hosts: hosts.map((host) => ({ ...hostSpecOf(host), ...governorOf(host) })),
    governors: names.map((name) => ({ name, options: {} })),
  };
}

/** One P-state for each frequency that can be asked for, the fastest first. */
function hostSpecOf(host: SnapshotHost): HostSpec {
  const { name, cores, memoryBytes, frequenciesMhz, offW, sleepW, wakeS, shutdownS } = host;
  const pstates = frequenciesMhz.map((mhz) => pstateAt(host, mhz));
  const { idleW } = pstates[0]!;
  const wakeW = host.wakeW ?? idleW;
  return {
    name,
    cores,
    memoryBytes,
    pstates,
    offW,
    bootMs: wakeS * 1000,
    bootW: wakeW,
    shutdownMs: shutdownS * 1000,
    shutdownW: idleW,
    initialPstate: presentPstate(host),
    initiallyOn: host.state === 'on' || host.state === 'unknown',
    ...(sleepW === undefined
      ? {}
      : {
          sleep: {
            suspendMs: shutdownS * 1000,
            suspendW: idleW,
            asleepW: sleepW,
            resumeMs: wakeS * 1000,
            resumeW: wakeW,
          },
        }),
  };
}

/** Power between two known frequencies is a line; beyond the outermost it is theirs. */
function pstateAt({ power }: SnapshotHost, mhz: number): PstateSpec {
  const slower = power.findIndex((point) => point.mhz <= mhz);
  const below = power[slower] ?? power.at(-1)!;
  const above = power[slower - 1] ?? below;
  const part = above.mhz > below.mhz ? (mhz - below.mhz) / (above.mhz - below.mhz) : 0;
  const at = (low: number, high: number): number => low + part * (high - low);
  const idleW = at(below.idleW, above.idleW);
  const fullW = Math.max(idleW, at(below.fullW, above.fullW));
  return { coreMips: mhz, idleW, epsilonW: idleW, fullW };
}

/** The P-state nearest to what the host keeps to, else to how fast it was; the fastest if neither. */
function presentPstate(host: SnapshotHost): number {
  const { frequenciesMhz, requestedMhz, currentMhz, governor } = host;
  const keepsToEnd = governor === 'performance' || governor === 'powersave';
  const mhz =
    keepsToEnd || requestedMhz !== undefined
      ? standingMhz(host)
      : (currentMhz ?? frequenciesMhz[0]!);
  let nearest = 0;
  frequenciesMhz.forEach((candidate, pstate) => {
    if (Math.abs(candidate - mhz) < Math.abs(frequenciesMhz[nearest]! - mhz)) nearest = pstate;
  });
  return nearest;
}
