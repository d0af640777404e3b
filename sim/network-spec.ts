/**
 * The network that live migration uses, as immutable columns: links with a capacity, and the
 * links on the way from one host to another. Two forms: one full-duplex port per host (a star,
 * the default), or explicit links and routes.
 */

import { fillFloat64, fillInt32 } from './columns.ts';
import { assert } from './errors.ts';

/** Every host reaches every other through its own port; both directions share the port. */
export interface StarNetwork {
  readonly type: 'star';
  /** Capacity of each host's port, bytes/s. */
  readonly portBytesPerS: number;
}

/** Links and routes as given. A route serves both directions unless both are given. */
export interface RoutedNetwork {
  readonly type: 'routed';
  readonly links: readonly { readonly bytesPerS: number; readonly latencyS: number }[];
  readonly routes: readonly {
    readonly source: number;
    readonly target: number;
    readonly links: readonly number[];
  }[];
  /**
   * How transfers behave, L being the latency of the whole route. `fluid` (SimGrid CM02): rate =
   * max-min share with weight 1 / L, delay = L. `tcp` (SimGrid LV08): rate = 0.97 × share with
   * weight 1 / (L + Σ 20537 / bandwidth), delay = 13.01 × L. Both: a route without latency has
   * weight 1; the window limits the share to 4194304 / (2 L) bytes/s.
   */
  readonly transport: 'fluid' | 'tcp';
  /** Acknowledgements take 5 % of the reverse direction of the same links. */
  readonly crossTraffic: boolean;
}

export type NetworkSpec = StarNetwork | RoutedNetwork;

/** Immutable network columns. */
export interface NetworkModel {
  readonly links: number;
  /** Most links on one route. */
  readonly hopsMax: number;
  /** Usable capacity, bytes/s, [links]. */
  readonly linkBytesPerS: Float64Array;
  /** True when route (a, b) is port a + port b; otherwise the tables below hold it. */
  readonly star: boolean;
  readonly hosts: number;
  /** [hosts × hosts + 1] offsets into `routeLinks`; an absent route is empty. */
  readonly routeStart: Int32Array;
  readonly routeLinks: Int32Array;
  /** Start-up delay, s, and rate limit, bytes/s, of each host pair, [hosts × hosts]. */
  readonly routeDelayS: Float64Array;
  readonly routeBytesPerS: Float64Array;
  /** Weight of a flow in the max-min share of its links, [hosts × hosts]. */
  readonly routeWeight: Float64Array;
  /** Payload bytes per byte of link share. */
  readonly rateFactor: number;
}

const tcpBandwidthFactor = 0.97;
const tcpLatencyFactor = 13.01;
/** SimGrid's network/TCP-gamma and network/weight-S, bytes. */
const tcpWindowBytes = 4194304;
const tcpWeightBytes = 20537;
const crossTrafficShare = 1.05;

export function buildNetwork(spec: NetworkSpec, hosts: number): NetworkModel {
  if (spec.type === 'star') {
    return {
      links: hosts,
      hopsMax: 2,
      linkBytesPerS: fillFloat64(hosts, () => spec.portBytesPerS),
      star: true,
      hosts,
      routeStart: fillInt32(0, () => 0),
      routeLinks: fillInt32(0, () => 0),
      routeDelayS: fillFloat64(0, () => 0),
      routeBytesPerS: fillFloat64(0, () => 0),
      routeWeight: fillFloat64(0, () => 0),
      rateFactor: 1,
    };
  }
  const pairs: (readonly number[])[] = Array.from({ length: hosts * hosts }, () => []);
  for (const route of spec.routes) {
    pairs[route.target * hosts + route.source] = [...route.links].reverse();
  }
  for (const route of spec.routes) pairs[route.source * hosts + route.target] = route.links;
  const starts = [0];
  for (const links of pairs) starts.push(starts.at(-1)! + links.length);
  const flat = pairs.flat();
  const tcp = spec.transport === 'tcp';
  const latencyS = pairs.map((links) =>
    links.reduce((total, link) => total + spec.links[link]!.latencyS, 0),
  );
  const hopsMax = Math.max(1, ...pairs.map((links) => links.length));
  assert(hopsMax <= 64, () => `a route has ${hopsMax} links, more than 64`);
  return {
    links: spec.links.length,
    hopsMax,
    linkBytesPerS: fillFloat64(
      spec.links.length,
      (link) => spec.links[link]!.bytesPerS / (spec.crossTraffic ? crossTrafficShare : 1),
    ),
    star: false,
    hosts,
    routeStart: fillInt32(starts.length, (index) => starts[index]!),
    routeLinks: fillInt32(flat.length, (index) => flat[index]!),
    routeDelayS: fillFloat64(
      pairs.length,
      (pair) => latencyS[pair]! * (tcp ? tcpLatencyFactor : 1),
    ),
    routeBytesPerS: fillFloat64(pairs.length, (pair) =>
      latencyS[pair]! > 0 ? tcpWindowBytes / (2 * latencyS[pair]!) : Infinity,
    ),
    routeWeight: fillFloat64(pairs.length, (pair) => {
      if (latencyS[pair]! <= 0) return 1;
      const perLink = (link: number): number => tcpWeightBytes / spec.links[link]!.bytesPerS;
      const slowness = tcp ? pairs[pair]!.reduce((sum, link) => sum + perLink(link), 0) : 0;
      return 1 / (latencyS[pair]! + slowness);
    }),
    rateFactor: tcp ? tcpBandwidthFactor : 1,
  };
}
