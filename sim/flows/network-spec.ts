/**
 * The network as immutable columns: links with a capacity, and the links on the way from one host
 * to another. Two forms: a port per host, with or without racks above them (a star, the default),
 * or explicit links and routes.
 */

import { assert } from '../errors.ts';
import { fillFloat64, fillInt32 } from '../numbers/columns.ts';

/**
 * Every host reaches every other through its own port. With racks the switch of a rack has one
 * uplink, which what leaves the rack shares, and the core may have a capacity of its own.
 */
export interface StarNetwork {
  readonly type: 'star';
  /** Capacity of each host's port, bytes/s. */
  readonly portBytesPerS: number;
  /** Each direction of a port and uplink has the whole capacity. Default: both share it. */
  readonly duplex?: boolean;
  readonly racks?: {
    /** Rack of host `host`, from 0 up. */
    readonly rackOf: (host: number) => number;
    readonly uplinkBytesPerS: number;
    /** All that goes from rack to rack or outside, together. Default: no limit. */
    readonly coreBytesPerS?: number;
  };
  /** The link out of the cluster, both directions together. Default: no limit. */
  readonly outsideBytesPerS?: number;
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
  /** Of a star: first link of the ports inward; those outward begin at 0. */
  readonly inwardPort: number;
  /** Rack of each host, [hosts], or [0] without racks; first of their links up and down. */
  readonly rackOf: Int32Array;
  readonly rackUp: number;
  readonly rackDown: number;
  /** -1 where they have no limit. */
  readonly coreLink: number;
  readonly outsideLink: number;
  /** First of the hosts' disks, which are links too; `links` where disks are not modelled. */
  readonly diskLink: number;
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

/**
 * @param disksBytesPerS Rate of each host's disk, [hosts], or [0] where disks are not modelled.
 * @throws InvariantError for a link without a capacity and for routes of more than 64 links.
 */
export function buildNetwork(
  spec: NetworkSpec,
  hosts: number,
  disksBytesPerS: Float64Array = new Float64Array(0),
): NetworkModel {
  return spec.type === 'star'
    ? buildStar(spec, hosts, disksBytesPerS)
    : buildRouted(spec, hosts, disksBytesPerS);
}

/** Links: ports (outward, then inward), uplinks (up, then down), core, outside, disks. */
function buildStar(spec: StarNetwork, hosts: number, disks: Float64Array): NetworkModel {
  const { racks, duplex = false } = spec;
  const rackOf = fillInt32(racks === undefined ? 0 : hosts, (host) => racks!.rackOf(host));
  const rackCount = rackOf.reduce((most, rack) => Math.max(most, rack + 1), 0);
  const directions = duplex ? 2 : 1;
  const rates: number[] = new Array<number>(directions * hosts).fill(spec.portBytesPerS);
  const rackUp = rates.length;
  if (racks !== undefined) {
    rates.push(...new Array<number>(directions * rackCount).fill(racks.uplinkBytesPerS));
  }
  const coreLink = racks?.coreBytesPerS === undefined ? -1 : rates.push(racks.coreBytesPerS) - 1;
  const outsideLink =
    spec.outsideBytesPerS === undefined ? -1 : rates.push(spec.outsideBytesPerS) - 1;
  const above = (racks === undefined ? 0 : 2) + (coreLink < 0 ? 0 : 1) + (outsideLink < 0 ? 0 : 1);
  rates.forEach((rate) => {
    assert(rate > 0, () => `a link carries ${rate} bytes/s`);
  });
  return {
    links: rates.length + disks.length,
    hopsMax: 2 + above + (disks.length > 0 ? 2 : 0),
    linkBytesPerS: fillFloat64(
      rates.length + disks.length,
      (link) => rates[link] ?? disks[link - rates.length]!,
    ),
    star: true,
    hosts,
    inwardPort: duplex ? hosts : 0,
    rackOf,
    rackUp,
    rackDown: duplex ? rackUp + rackCount : rackUp,
    coreLink,
    outsideLink,
    diskLink: rates.length,
    routeStart: fillInt32(0, () => 0),
    routeLinks: fillInt32(0, () => 0),
    routeDelayS: fillFloat64(0, () => 0),
    routeBytesPerS: fillFloat64(0, () => 0),
    routeWeight: fillFloat64(0, () => 0),
    rateFactor: 1,
  };
}

function buildRouted(spec: RoutedNetwork, hosts: number, disks: Float64Array): NetworkModel {
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
  const routeMax = Math.max(1, ...pairs.map((links) => links.length));
  const hopsMax = routeMax + (disks.length > 0 ? 2 : 0);
  const rateFactor = tcp ? tcpBandwidthFactor : 1;
  const links = spec.links.length;
  assert(hopsMax <= 64, () => `a route has ${hopsMax} links, more than 64`);
  return {
    links: links + disks.length,
    hopsMax,
    linkBytesPerS: fillFloat64(links + disks.length, (link) =>
      link < links
        ? spec.links[link]!.bytesPerS / (spec.crossTraffic ? crossTrafficShare : 1)
        : disks[link - links]! / rateFactor,
    ),
    star: false,
    hosts,
    inwardPort: 0,
    rackOf: fillInt32(0, () => 0),
    rackUp: 0,
    rackDown: 0,
    coreLink: -1,
    outsideLink: -1,
    diskLink: links,
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
    rateFactor,
  };
}
