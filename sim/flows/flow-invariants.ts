/** What must hold of flows after every event: links are not overfull, burdens add up. */
import { assert } from '../errors.ts';
import type { Twin } from '../twin.ts';
import {
  copyingMips,
  flowCap,
  flowSource,
  flowTarget,
  isDiskFlow,
  streamOf,
  usesDisks,
} from './flows.ts';

/** @throws InvariantError naming the link, flow or host. */
export function checkFlows(twin: Twin): void {
  checkLinks(twin);
  if (twin.model.flowsBurdenHosts) checkBurdens(twin);
}

function checkLinks(twin: Twin): void {
  const { model, state } = twin;
  const { network } = model;
  for (let link = 0; link < network.links; link++) {
    let load = 0;
    for (let hop = state.linkHop[link]!; hop >= 0; hop = state.hopNext[hop]!) {
      const flow = (hop / network.hopsMax) | 0;
      const rate = state.flowBytesPerS[flow]!;
      load += rate;
      assert(
        rate > 0 && rate <= flowCap(twin, flow) * (1 + 1e-9),
        () => `flow ${flow} takes ${rate} of at most ${flowCap(twin, flow)} bytes/s`,
      );
    }
    const capacity = network.linkBytesPerS[link]! * network.rateFactor;
    assert(
      load <= capacity * (1 + 1e-9),
      () => `link ${link} carries ${load} of ${capacity} bytes/s`,
    );
  }
}

/** Sums over flows agree with what hosts were told, to the rounding of each flow's rate. */
function checkBurdens(twin: Twin): void {
  const { model, state } = twin;
  const nic = new Float64Array(model.hosts + 1);
  const disk = new Float64Array(model.hosts + 1);
  const copying = new Float64Array(model.hosts + 1);
  for (let flow = 0; flow < model.flows; flow++) {
    const rate = state.flowBytesPerS[flow]!;
    if (rate === 0) continue;
    const source = flowSource(twin, flow);
    const target = flowTarget(twin, flow);
    const ends = source === target ? [source] : [source, target];
    for (const host of ends) {
      if (source !== target && !isDiskFlow(twin, flow)) nic[host]! += rate;
      if (usesDisks(twin, flow)) disk[host]! += rate;
      if (streamOf(twin, flow) < 0) {
        copying[host]! += copyingMips(twin, host, host === source ? 'source' : 'target', rate);
      }
    }
  }
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1e-9 * b + 0.01;
  for (let host = 0; host < model.hosts; host++) {
    const told = state.hostNicBytesPerS[host] ?? nic[host]!;
    const read = state.hostDiskBytesPerS[host] ?? 0;
    assert(near(told, nic[host]!), () => `host ${host} sees ${told} of ${nic[host]} bytes/s`);
    assert(near(read, disk[host]!), () => `disk ${host} does ${read} of ${disk[host]} bytes/s`);
    // Others may use the host's CPU too.
    assert(
      state.hostBackgroundMips[host]! + 0.01 >= copying[host]!,
      () => `host ${host} copies with ${state.hostBackgroundMips[host]} of ${copying[host]} MIPS`,
    );
  }
}
