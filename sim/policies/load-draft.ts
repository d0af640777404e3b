/** Fills a draft from a view: the cluster as it is and as earlier plans will make it. */
import type { ClusterView } from '../view.ts';
import type { Draft } from './draft.ts';
import { hostUse } from './host-use.ts';

/** Where every VM is or is going, what it asks for, and whether it may move. */
export function loadVms(draft: Draft, cluster: ClusterView, lookback: number): void {
  draft.guests.fill(0);
  draft.plannedMips.fill(0);
  draft.firstVm.fill(-1);
  // Downwards, so that every list of VMs rises.
  for (let vm = cluster.vms - 1; vm >= 0; vm--) {
    const host = cluster.hostOf(vm);
    draft.at[vm] = host;
    draft.nextVm[vm] = -1;
    draft.demandMips[vm] = recentPeakMips(cluster, vm, lookback);
    const isMovable = cluster.isRunning(vm) && !cluster.isMoving(vm) && cluster.mayMove(vm);
    draft.movable[vm] = isMovable ? 1 : 0;
    if (host < 0) continue;
    draft.nextVm[vm] = draft.firstVm[host]!;
    draft.firstVm[host] = vm;
    draft.guests[host]!++;
    draft.plannedMips[host]! += draft.demandMips[vm]!;
  }
}

/** What every host is, and what the VMs loaded before make of it. */
export function loadHosts(draft: Draft, cluster: ClusterView): void {
  draft.awakeCount = 0;
  draft.asleepCount = 0;
  draft.fastestMips = 0;
  for (let host = 0; host < cluster.hosts; host++) {
    const coreMips = cluster.coreMips(host, 0);
    const peakMips = coreMips * cluster.cores(host);
    if (coreMips > draft.fastestMips) draft.fastestMips = coreMips;
    draft.closed[host] = 0;
    draft.expecting[host] = cluster.incomingCount(host) > 0 ? 1 : 0;
    draft.coreMips[host] = coreMips;
    draft.peakMips[host] = peakMips;
    draft.limitMips[host] = peakMips;
    draft.freeBytes[host] = cluster.freeMemoryBytes(host);
    if (cluster.isAvailable(host)) {
      draft.use[host] = hostUse.awake;
      draft.awake[draft.awakeCount++] = host;
      draft.plannedW[host] = cluster.powerW(host, 0, draft.plannedMips[host]!);
    } else if (cluster.isOff(host) && cluster.maySwitch(host)) {
      draft.use[host] = hostUse.asleep;
      draft.asleep[draft.asleepCount++] = host;
      draft.plannedW[host] = cluster.offW(host);
    } else {
      draft.use[host] = hostUse.leaving;
    }
  }
}

/** Highest of the VM's `lookback` newest measurements, MIPS. */
function recentPeakMips(cluster: ClusterView, vm: number, lookback: number): number {
  let peakMips = cluster.demandMips(vm);
  if (lookback === 1) return peakMips;
  const measured = Math.min(lookback, cluster.observations(vm));
  for (let lag = 2; lag <= measured; lag++) {
    const mips = cluster.demandAt(vm, lag);
    if (mips > peakMips) peakMips = mips;
  }
  return peakMips;
}
