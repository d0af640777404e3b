/** A host of a snapshot as the twin describes hosts. 1 MHz of a core is 1 MIPS. */
import type { HostSpec, PstateSpec } from '../../sim/index.ts';
import type { SnapshotHost } from '../cluster/snapshot.ts';

/** One P-state for each frequency that can be asked for, the fastest first. */
export function hostSpecOf(host: SnapshotHost): HostSpec {
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

/** The P-state nearest to what the host was told, else to how fast it was; the fastest if neither. */
function presentPstate({ frequenciesMhz, requestedMhz, currentMhz }: SnapshotHost): number {
  const mhz = requestedMhz ?? currentMhz ?? frequenciesMhz[0]!;
  let nearest = 0;
  frequenciesMhz.forEach((candidate, pstate) => {
    if (Math.abs(candidate - mhz) < Math.abs(frequenciesMhz[nearest]! - mhz)) nearest = pstate;
  });
  return nearest;
}
