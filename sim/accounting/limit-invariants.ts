/** What must hold of power limits after every event. Costs O(hosts + VMs). */
import { assert } from '../errors.ts';
import type { Twin } from '../twin.ts';
import { defaultStride } from './control/cpu-stride.ts';
import { defaultThrottle } from './control/disk-throttle.ts';
import { isLimited } from './limit-meter.ts';

/** @throws InvariantError naming what is broken. */
export function checkLimits(twin: Twin): void {
  const { model, state, timers } = twin;
  const { limits } = state;
  if (limits.hostW.length === 0) return;
  for (let vm = 0; vm < model.vms; vm++) {
    const stride = limits.vmStride[vm]!;
    const cores = limits.vmCores[vm]!;
    assert(
      stride >= defaultStride.initial && stride <= 100 * defaultStride.initial,
      () => `VM ${vm} has a stride of ${stride}`,
    );
    assert(
      cores > 0 && cores < Infinity === stride > defaultStride.initial,
      () => `VM ${vm} may use ${cores} cores at a stride of ${stride}`,
    );
    const requests = limits.vmRequests[2 * vm]!;
    const unthrottled = requests === defaultThrottle.most;
    assert(
      requests >= defaultThrottle.least &&
        (limits.vmDiskBytesPerS[vm] === Infinity) === unthrottled,
      () => `VM ${vm} may send ${requests} requests, ${limits.vmDiskBytesPerS[vm]} bytes/s`,
    );
  }
  for (let host = 0; host < model.hosts; host++) {
    const fastest = limits.hostPstate[host]!;
    assert(
      fastest >= 0 && fastest < model.hostPstates[host]!,
      () => `host ${host} may run in P-state ${fastest} at most`,
    );
    const pending = state.heapPosition[timers.limit + host]! >= 0;
    assert(
      pending || limits.hostStirred[host] === 0 || !isLimited(twin, host),
      () => `nobody looks at host ${host}, whose rates have changed`,
    );
  }
}
