/**
 * A twin that begins in the middle of a cluster's life: demand has a past that policies see, nothing
 * has been simulated before, and all meters stand at zero.
 */
import { advance } from './engine.ts';
import { rememberLoad } from './hosts/governing.ts';
import { beginTransition, setPower } from './hosts/host-drain.ts';
import { initialize } from './initialize.ts';
import { beginMigration } from './migration/begin.ts';
import type { ClusterModel } from './model.ts';
import { settleHost, shareHost } from './sharing.ts';
import { ClusterState } from './state.ts';
import { hostPower } from './status.ts';
import { Twin } from './twin.ts';

/** What the model does not tell of the cluster at its first moment. */
export interface Present {
  /** Start of the first row of demand that is not over. */
  readonly nowMs: number;
  /** Hosts, initially off, that are suspended to memory, or about to be up in their whole boot time. */
  readonly asleep?: readonly number[];
  readonly waking?: readonly number[];
  /** Migrations under way. How far they are is not known: they begin anew. */
  readonly migrations?: readonly { readonly vm: number; readonly target: number }[];
  /** Governors begin as if the first row's load had lasted, not as on hosts that have just booted. */
  readonly loadHasLasted?: boolean;
  /** CPU that each host takes for itself from now on, before its VMs, MIPS; [hosts]. Default: none. */
  readonly ownMips?: readonly number[];
}

/** The cluster at `present`, where the next thing to happen is a decision. */
export function twinAt(model: ClusterModel, present: Present, seed = 0): Twin {
  const { nowMs, asleep = [], waking = [], migrations = [], ownMips = [] } = present;
  const twin = new Twin(model, ClusterState.allocate(model, seed));
  initialize(twin, nowMs);
  advance(twin, nowMs);
  for (const host of asleep) setPower(twin, host, hostPower.asleep);
  for (const host of waking) {
    if (model.hostSleeps[host] === 1) {
      beginTransition(twin, host, hostPower.resuming, model.hostResumeMs[host]!);
    } else beginTransition(twin, host, hostPower.booting, model.hostBootMs[host]!);
  }
  for (const { vm, target } of migrations) beginMigration(twin, vm, target);
  ownMips.forEach((mips, host) => {
    if (mips > 0) takeForItself(twin, host, mips);
  });
  if (present.loadHasLasted === true) {
    for (let host = 0; host < model.hosts; host++) rememberLoad(twin, host);
  }
  return twin;
}

function takeForItself(twin: Twin, host: number, mips: number): void {
  const { state } = twin;
  settleHost(twin, host, state.nowMs[0]!);
  // The fused tick knows of VMs only.
  state.hostSpecial[host]!++;
  state.hostBackgroundMips[host]! += mips;
  shareHost(twin, host);
}
