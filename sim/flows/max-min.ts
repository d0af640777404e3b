/**
 * The weighted max-min fair share of links: which flows a change touches, and their new rates.
 * Works on `twin.scratch`; changes nothing else.
 */

import type { Twin } from '../twin.ts';
import { flowCap, flowWeight } from './flows.ts';

/** Breadth-first over links and flows; fills `scratch.flows` (the start first) and `links`. */
export function collectConnected(twin: Twin, start: number): { flows: number; links: number } {
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
export function fillLinks(twin: Twin, from: number, flowCount: number, linkCount: number): void {
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
