/** What a move of a VM would take now, if rates and load stayed as they are. */
import { copyingMips } from '../flows/flows.ts';
import { hostPower } from '../status.ts';
import type { Twin } from '../twin.ts';
import { quotaMips } from '../vms/quota.ts';
import { estimateMigration, type MigrationEstimate } from './estimate.ts';

/** An estimate, and the energy that the copying itself takes of both hosts. */
export interface MigrationForecast extends MigrationEstimate {
  /** Rate at which the twin expects to send, bytes/s. */
  readonly bytesPerS: number;
  /** Of the CPU that copying takes at both ends, J; the load that moves is not counted. */
  readonly energyJ: number;
}

/** CPU of a host without and with what copying takes, for a power model. */
export type PowerOf = (host: number, usedMips: number) => number;

/**
 * Foretells the migration of a running VM to `target`, alone on the links of its way.
 *
 * @param powerW Power of a host that is on at a CPU use, W; without it no energy is foretold.
 */
export function expectMigration(
  twin: Twin,
  vm: number,
  target: number,
  powerW?: PowerOf,
): MigrationForecast {
  const { model, state } = twin;
  const source = state.vmHost[vm]!;
  const bytesPerS = loneRate(twin, vm, source, target);
  const own = model.migrationRules[model.migrationRule[vm]!]!;
  const { hostBytesPerS } = model.disks;
  const storageBytesPerS = Math.min(
    own.storageBytesPerS,
    hostBytesPerS[source] ?? Infinity,
    hostBytesPerS[target] ?? Infinity,
  );
  const pair = source * model.network.hosts + target;
  const estimate = estimateMigration({
    memoryBytes: model.workload.memoryBytes[vm]!,
    workingSetBytes: model.migrationWorkingSetBytes[vm]!,
    storageBytes: model.migrationStorageBytes[vm]!,
    bytesPerS,
    delayS: model.network.star ? 0 : model.network.routeDelayS[pair]!,
    dirtyBytesPerS: (throttle) => dirtyRate(twin, vm, throttle),
    rules: { ...own, storageBytesPerS },
  });
  const extraW =
    powerW === undefined
      ? 0
      : copyingPowerW(twin, source, 'source', bytesPerS, powerW) +
        copyingPowerW(twin, target, 'target', bytesPerS, powerW);
  const energyJ = extraW === 0 ? 0 : extraW * estimate.sendingS;
  return { ...estimate, bytesPerS, energyJ };
}

/** Rate of a transfer that has the links of its way for itself, bytes/s. */
function loneRate(twin: Twin, vm: number, source: number, target: number): number {
  const { model } = twin;
  const { network } = model;
  const wanted = model.migrationBytesPerS[vm]!;
  let rate = wanted > 0 ? wanted : Infinity;
  const narrow = (link: number): void => {
    rate = Math.min(rate, network.linkBytesPerS[link]! * network.rateFactor);
  };
  if (!network.star) {
    const pair = source * network.hosts + target;
    for (let at = network.routeStart[pair]!; at < network.routeStart[pair + 1]!; at++) {
      narrow(network.routeLinks[at]!);
    }
    return Math.min(rate, network.routeBytesPerS[pair]! * network.rateFactor);
  }
  narrow(source);
  narrow(network.inwardPort + target);
  const up = network.rackOf[source] ?? 0;
  const down = network.rackOf[target] ?? 0;
  if (up !== down) {
    narrow(network.rackUp + up);
    narrow(network.rackDown + down);
    if (network.coreLink >= 0) narrow(network.coreLink);
  }
  return rate;
}

/** Bytes that `vm` would make dirty in a second under `throttle`. */
function dirtyRate(twin: Twin, vm: number, throttle: number): number {
  const { model, state } = twin;
  const host = state.vmHost[vm]!;
  if (host >= model.limbo || state.hostPower[host] !== hostPower.on) return 0;
  const coreMips = model.pstateCoreMips[model.pstateStart[host]! + state.hostPstate[host]!]!;
  const top = state.vmThreads[vm]! * coreMips;
  const level = state.hostLevel[host]!;
  const share = level === Infinity ? Infinity : level * state.vmShareWeight[vm]!;
  const quota = quotaMips(twin, vm, coreMips);
  const got = Math.min(state.vmAskedMips[vm]!, top * (1 - throttle), share, quota);
  const work = got * (1 - model.migrationOverheadFraction);
  const perMi =
    coreMips > 0
      ? (model.migrationBytesPerS[vm]! * model.migrationDirtyIntensity[vm]!) / coreMips
      : 0;
  return work * perMi + model.migrationDirtyBytesPerS[vm]! * (1 - throttle);
}

function copyingPowerW(
  twin: Twin,
  host: number,
  end: 'source' | 'target',
  bytesPerS: number,
  powerW: PowerOf,
): number {
  const used = twin.state.hostUsedMips[host]!;
  const copying = copyingMips(twin, host, end, bytesPerS);
  return copying === 0 ? 0 : powerW(host, used + copying) - powerW(host, used);
}
