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

/** Links and routes as given. A route serves both directions. */
export interface RoutedNetwork {
  readonly type: 'routed';
  readonly links: readonly { readonly bytesPerS: number; readonly latencyS: number }[];
  readonly routes: readonly {
    readonly source: number;
    readonly target: number;
    readonly links: readonly number[];
  }[];
  /**
   * How transfers behave. `fluid` (SimGrid CM02): rate = max-min share, delay = latency.
   * `tcp` (SimGrid LV08): rate = 0.97 × share, delay = 13.01 × latency, and a window limit of
   * 4194304 / (2 × latency) bytes/s.
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
  /** Payload bytes per byte of link share. */
  readonly rateFactor: number;
}

const tcpBandwidthFactor = 0.97;
const tcpLatencyFactor = 13.01;
const tcpWindowBytes = 4194304;
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
      rateFactor: 1,
    };
  }
  const pairs: (readonly number[])[] = Array.from({ length: hosts * hosts }, () => []);
  for (const route of spec.routes) {
    pairs[route.source * hosts + route.target] = route.links;
    pairs[route.target * hosts + route.source] = [...route.links].reverse();
  }
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
      tcp && latencyS[pair]! > 0 ? tcpWindowBytes / (2 * latencyS[pair]!) : Infinity,
    ),
    rateFactor: tcp ? tcpBandwidthFactor : 1,
  };
}
