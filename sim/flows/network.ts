/**
 * Transfers on links: each flow's rate is its weighted max-min fair share of every link on its way,
 * at most its own cap. Only the connected part of the network that a change touches is computed
 * anew: flows that share no link, directly or through others, do not affect each other.
 */

import { phases, schedule } from '../timers.ts';
import type { Twin } from '../twin.ts';
import {
  changeRate,
  flowCap,
  flowSource,
  flowTarget,
  isDiskFlow,
  settleFlow,
  usesDisks,
} from './flows.ts';
import { collectConnected, fillLinks } from './max-min.ts';

/** Puts flow `flow` on the links of its way and gives everyone new rates. */
export function joinNetwork(twin: Twin, flow: number): void {
  const { state } = twin;
  linkRoute(twin, flow);
  if (hasRoom(twin, flow)) {
    state.flowSinceMs[flow] = state.nowMs[0]!;
    changeRate(twin, flow, flowCap(twin, flow));
    continueFlow(twin, flow, state.flowRemainingBytes[flow]!);
    return;
  }
  state.flowSinceMs[flow] = state.nowMs[0]!;
  state.flowBytesPerS[flow] = 0;
  shareLinks(twin, flow, true);
}

/** Lists the flow on its links: port to port with what lies between, by route, and on disks. */
function linkRoute(twin: Twin, flow: number): void {
  const { network } = twin.model;
  const source = flowSource(twin, flow);
  const target = flowTarget(twin, flow);
  let hop = flow * network.hopsMax;
  if (!isDiskFlow(twin, flow) && source !== target) {
    if (network.star) {
      hop = linkStar(twin, hop, source, target);
    } else {
      const pair = source * network.hosts + target;
      for (let at = network.routeStart[pair]!; at < network.routeStart[pair + 1]!; at++) {
        linkFlow(twin, hop, network.routeLinks[at]!);
        hop++;
      }
    }
  }
  if (!usesDisks(twin, flow)) return;
  linkFlow(twin, hop, network.diskLink + source);
  if (source !== target) linkFlow(twin, hop + 1, network.diskLink + target);
}

/** @returns the next free hop. */
function linkStar(twin: Twin, first: number, source: number, target: number): number {
  const { network } = twin.model;
  const { hosts } = network;
  let hop = first;
  if (source < hosts) linkFlow(twin, hop++, source);
  if (network.rackOf.length > 0) {
    const up = source < hosts ? network.rackOf[source]! : -1;
    const down = target < hosts ? network.rackOf[target]! : -1;
    if (up !== down) {
      if (up >= 0) linkFlow(twin, hop++, network.rackUp + up);
      if (network.coreLink >= 0) linkFlow(twin, hop++, network.coreLink);
      if (down >= 0) linkFlow(twin, hop++, network.rackDown + down);
    }
  }
  const leaves = source >= hosts || target >= hosts;
  if (leaves && network.outsideLink >= 0) linkFlow(twin, hop++, network.outsideLink);
  if (target < hosts) linkFlow(twin, hop++, network.inwardPort + target);
  return hop;
}

/** Takes flow `flow` off its links; the flows beside it speed up. */
export function leaveNetwork(twin: Twin, flow: number): void {
  const { model, state } = twin;
  if (!hasRoom(twin, flow)) shareLinks(twin, flow, false);
  const first = flow * model.network.hopsMax;
  for (let hop = first; hop < first + model.network.hopsMax; hop++) {
    const link = state.hopLink[hop]!;
    if (link < 0) continue;
    const next = state.hopNext[hop]!;
    const previous = state.hopPrevious[hop]!;
    if (previous < 0) state.linkHop[link] = next;
    else state.hopNext[previous] = next;
    if (next >= 0) state.hopPrevious[next] = previous;
    state.hopLink[hop] = -1;
  }
  changeRate(twin, flow, 0);
}

/**
 * True when every link of `flow` has room for the caps of all its flows together, `flow` included.
 * Such links limit nobody, so whether this flow comes or goes changes no other rate.
 */
function hasRoom(twin: Twin, flow: number): boolean {
  const { model, state } = twin;
  const { hopsMax, linkBytesPerS, rateFactor } = model.network;
  const first = flow * hopsMax;
  for (let hop = first; hop < first + hopsMax; hop++) {
    const link = state.hopLink[hop]!;
    if (link < 0) continue;
    let left = linkBytesPerS[link]! * rateFactor;
    for (let other = state.linkHop[link]!; other >= 0; other = state.hopNext[other]!) {
      left -= flowCap(twin, (other / hopsMax) | 0);
      if (left < 0) return false;
    }
  }
  return true;
}

/** Gives a flow that stays on its links `bytes` more to send at its present rate. */
export function continueFlow(twin: Twin, flow: number, bytes: number): void {
  const { state } = twin;
  const nowMs = state.nowMs[0]!;
  state.flowRemainingBytes[flow] = bytes;
  state.flowSinceMs[flow] = nowMs;
  if (bytes === Infinity) return;
  const endMs = nowMs + (bytes / state.flowBytesPerS[flow]!) * 1000;
  schedule(state, twin.timers.flow + flow, endMs, phases.completion);
}

/** True while the flow is on its links. */
export function isOnNetwork(twin: Twin, flow: number): boolean {
  return twin.state.flowBytesPerS[flow]! > 0;
}

function linkFlow(twin: Twin, hop: number, link: number): void {
  const { state } = twin;
  const head = state.linkHop[link]!;
  state.hopLink[hop] = link;
  state.hopNext[hop] = head;
  state.hopPrevious[hop] = -1;
  if (head >= 0) state.hopPrevious[head] = hop;
  state.linkHop[link] = hop;
}

/** New rates for everything connected to `flow`, which itself takes part or is about to leave. */
function shareLinks(twin: Twin, flow: number, included: boolean): void {
  const { state, scratch } = twin;
  const { flows, flowRate, flowMark, links, linkMark } = scratch;
  const count = collectConnected(twin, flow);
  const flowCount = count.flows;
  const from = included ? 0 : 1;
  fillLinks(twin, from, flowCount, count.links);
  const nowMs = state.nowMs[0]!;
  for (let index = from; index < flowCount; index++) {
    const other = flows[index]!;
    const rate = flowRate[index]!;
    if (rate === state.flowBytesPerS[other]) continue;
    settleFlow(twin, other);
    changeRate(twin, other, rate);
    if (state.flowRemainingBytes[other] === Infinity) continue;
    const leftS = Math.max(0, state.flowRemainingBytes[other]!) / rate;
    schedule(state, twin.timers.flow + other, nowMs + leftS * 1000, phases.completion);
  }
  for (let index = 0; index < flowCount; index++) flowMark[flows[index]!] = 0;
  for (let index = 0; index < count.links; index++) linkMark[links[index]!] = 0;
}
