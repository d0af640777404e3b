/**
 * Transfers on links: each flow's rate is its weighted max-min fair share of every link on its way,
 * at most its own cap. Only the connected part of the network that a change touches is computed
 * anew: flows that share no link, directly or through others, do not affect each other.
 */
import { phases, schedule } from './timers.ts';
import type { Twin } from './twin.ts';

/** Puts flow `flow` on the links from `source` to `target` and gives everyone new rates. */
export function joinNetwork(twin: Twin, flow: number): void {
  const { model, state } = twin;
  const { network } = model;
  const source = state.migrationSource[flow]!;
  const target = state.migrationTarget[flow]!;
  let hop = flow * network.hopsMax;
  if (network.star) {
    linkFlow(twin, hop, source);
    linkFlow(twin, hop + 1, target);
  } else {
    const pair = source * network.hosts + target;
    for (let at = network.routeStart[pair]!; at < network.routeStart[pair + 1]!; at++) {
      linkFlow(twin, hop, network.routeLinks[at]!);
      hop++;
    }
  }
  if (hasRoom(twin, flow)) {
    state.flowBytesPerS[flow] = flowCap(twin, flow);
    continueFlow(twin, flow, state.flowRemainingBytes[flow]!);
    return;
  }
  state.flowSinceMs[flow] = state.nowMs[0]!;
  state.flowBytesPerS[flow] = 0;
  shareLinks(twin, flow, true);
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

/** Rate cap of a flow by itself, bytes/s of payload. */
function flowCap(twin: Twin, flow: number): number {
  const { model, state } = twin;
  const { network } = model;
  const wanted = model.migrationBytesPerS[state.migrationVm[flow]!]!;
  const own = wanted > 0 ? wanted : Infinity;
  if (network.star) return own;
  const pair = state.migrationSource[flow]! * network.hosts + state.migrationTarget[flow]!;
  return Math.min(own, network.routeBytesPerS[pair]! * network.rateFactor);
}

/** Weight of a flow among those on its links. */
function flowWeight(twin: Twin, flow: number): number {
  const { model, state } = twin;
  const { network } = model;
  if (network.star) return 1;
  const pair = state.migrationSource[flow]! * network.hosts + state.migrationTarget[flow]!;
  return network.routeWeight[pair]!;
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
    const elapsedS = (nowMs - state.flowSinceMs[other]!) / 1000;
    state.flowRemainingBytes[other]! -= state.flowBytesPerS[other]! * elapsedS;
    state.flowSinceMs[other] = nowMs;
    state.flowBytesPerS[other] = rate;
    const leftS = Math.max(0, state.flowRemainingBytes[other]!) / rate;
    schedule(state, twin.timers.flow + other, nowMs + leftS * 1000, phases.completion);
  }
  for (let index = 0; index < flowCount; index++) flowMark[flows[index]!] = 0;
  for (let index = 0; index < count.links; index++) linkMark[links[index]!] = 0;
}

/** Breadth-first over links and flows; fills `scratch.flows` (the start first) and `links`. */
function collectConnected(twin: Twin, start: number): { flows: number; links: number } {
  const { model, state, scratch } = twin;
  const { flows, flowMark, links, linkMark } = scratch;
  const { hopsMax } = model.network;
  let flowCount = 1;
  let linkCount = 0;
  flows[0] = start;
  flowMark[start] = 1;
  for (let index = 0; index < flowCount; index++) {
    const first = flows[index]! * hopsMax;
    for (let hop = first; hop < first + hopsMax; hop++) {
      const link = state.hopLink[hop]!;
      if (link < 0 || linkMark[link] === 1) continue;
      linkMark[link] = 1;
      links[linkCount++] = link;
      for (let other = state.linkHop[link]!; other >= 0; other = state.hopNext[other]!) {
        const flow = (other / hopsMax) | 0;
        if (flowMark[flow] === 1) continue;
        flowMark[flow] = 1;
        flows[flowCount++] = flow;
      }
    }
  }
  return { flows: flowCount, links: linkCount };
}

/**
 * Progressive filling of the flows `scratch.flows[from … flowCount - 1]`: all rates grow together,
 * in proportion to their weights, until a flow meets its cap or a link is full; those flows stop,
 * the others go on.
 */
function fillLinks(twin: Twin, from: number, flowCount: number, linkCount: number): void {
  const { model, scratch } = twin;
  const { flows, flowRate, flowCapRate, flowShare, links, linkLeft, stopping, open } = scratch;
  for (let index = 0; index < linkCount; index++) {
    const link = links[index]!;
    linkLeft[link] = model.network.linkBytesPerS[link]! * model.network.rateFactor;
  }
  let openCount = 0;
  for (let index = from; index < flowCount; index++) {
    flowCapRate[index] = flowCap(twin, flows[index]!);
    flowShare[index] = flowWeight(twin, flows[index]!);
    open[openCount++] = index;
  }
  while (openCount > 0) {
    weighLinks(twin, openCount, linkCount);
    const level = fullestLinkLevel(twin, linkCount);
    const capLevel = smallestCapLevel(twin, openCount);
    const capped = capLevel <= level;
    // Who stops is decided on the links as they were at the start of this round.
    let stopped = 0;
    let left = 0;
    for (let position = 0; position < openCount; position++) {
      const index = open[position]!;
      const stops = capped
        ? flowCapRate[index]! / flowShare[index]! <= capLevel
        : meetsLevel(twin, flows[index]!, level);
      if (stops) stopping[stopped++] = index;
      else open[left++] = index;
    }
    openCount = left;
    for (let position = 0; position < stopped; position++) {
      const index = stopping[position]!;
      flowRate[index] = capped ? flowCapRate[index]! : level * flowShare[index]!;
      takeFromLinks(twin, flows[index]!, flowRate[index]!);
    }
  }
}

/** Sums the weights of the open flows on each link. */
function weighLinks(twin: Twin, openCount: number, linkCount: number): void {
  const { model, state, scratch } = twin;
  const { flows, flowShare, links, linkWeight, open } = scratch;
  const { hopsMax } = model.network;
  const { hopLink } = state;
  for (let index = 0; index < linkCount; index++) linkWeight[links[index]!] = 0;
  for (let position = 0; position < openCount; position++) {
    const index = open[position]!;
    const weight = flowShare[index]!;
    const first = flows[index]! * hopsMax;
    for (let hop = first; hop < first + hopsMax; hop++) {
      const link = hopLink[hop]!;
      if (link >= 0) linkWeight[link]! += weight;
    }
  }
}

/** Lowest level, bytes/s per weight, at which a link with open flows is full. */
function fullestLinkLevel(twin: Twin, linkCount: number): number {
  const { links, linkLeft, linkWeight } = twin.scratch;
  let level = Infinity;
  for (let index = 0; index < linkCount; index++) {
    const link = links[index]!;
    if (linkWeight[link]! > 0) level = Math.min(level, linkLeft[link]! / linkWeight[link]!);
  }
  return level;
}

/** Lowest level at which an open flow meets its own cap. */
function smallestCapLevel(twin: Twin, openCount: number): number {
  const { flowCapRate, flowShare, open } = twin.scratch;
  let smallest = Infinity;
  for (let position = 0; position < openCount; position++) {
    const index = open[position]!;
    const level = flowCapRate[index]! / flowShare[index]!;
    if (level < smallest) smallest = level;
  }
  return smallest;
}

/** True when one of the flow's links is full at `level`. */
function meetsLevel(twin: Twin, flow: number, level: number): boolean {
  const { state, model, scratch } = twin;
  const first = flow * model.network.hopsMax;
  for (let hop = first; hop < first + model.network.hopsMax; hop++) {
    const link = state.hopLink[hop]!;
    if (link >= 0 && scratch.linkLeft[link]! / scratch.linkWeight[link]! <= level) return true;
  }
  return false;
}

function takeFromLinks(twin: Twin, flow: number, rate: number): void {
  const { state, model, scratch } = twin;
  const first = flow * model.network.hopsMax;
  for (let hop = first; hop < first + model.network.hopsMax; hop++) {
    const link = state.hopLink[hop]!;
    if (link >= 0) scratch.linkLeft[link] = Math.max(0, scratch.linkLeft[link]! - rate);
  }
}
