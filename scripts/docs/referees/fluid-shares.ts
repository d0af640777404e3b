/** Sharing in the plain fluid model: CPU among claims, links among flows. */
import type { SimGridScenario } from '../../../sim/compat/simgrid/index.ts';
import type { Migration } from './fluid-parts.ts';

/** Most each claim gets when `capacity` is shared in proportion to weights, none above its cap. */
export function shares(
  claims: readonly { cap: number; weight: number }[],
  capacity: number,
): number[] {
  const got = claims.map(({ cap }) => cap);
  if (got.reduce((sum, cap) => sum + cap, 0) <= capacity) return got;
  const order = claims
    .map((claim, index) => ({ ...claim, index }))
    .filter(({ cap }) => cap > 0)
    .sort((a, b) => a.cap / a.weight - b.cap / b.weight);
  let left = capacity;
  let weight = order.reduce((sum, claim) => sum + claim.weight, 0);
  for (const claim of order) {
    const share = Math.min(claim.cap, (left / weight) * claim.weight);
    got[claim.index] = share;
    left -= share;
    weight -= claim.weight;
  }
  return got;
}

/** All flows rise together, in proportion to their weights, until a cap or a link stops some. */
export function shareLinks(
  network: SimGridScenario['network'],
  migrations: readonly Migration[],
): void {
  if (network === undefined) return;
  const usable = (network.model === 'LV08' ? 0.97 : 1) / (network.crosstraffic ? 1.05 : 1);
  const free = new Map(network.links.map((link) => [link.name, link.bandwidth * usable]));
  let open = migrations.filter((flow) => flow.flowing);
  while (open.length > 0) {
    const levels = open.map((flow) => {
      const onLinks = flow.links.map((name) => {
        const users = open.filter((other) => other.links.includes(name));
        return free.get(name)! / users.reduce((sum, user) => sum + user.weight, 0);
      });
      return Math.min(flow.cap / flow.weight, ...onLinks);
    });
    const level = Math.min(...levels);
    const stopped = open.filter((_, index) => levels[index]! <= level * (1 + 1e-12));
    for (const flow of stopped) {
      flow.rate = level * flow.weight;
      for (const name of flow.links) free.set(name, free.get(name)! - flow.rate);
    }
    open = open.filter((flow) => !stopped.includes(flow));
  }
}
