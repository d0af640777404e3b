/** The power of a host from its zones, nothing twice. */

import type { Doubt } from './doubts.ts';
import { countedZones } from './powercap.ts';
import type { EnergySample, HostPower } from './sample.ts';

/** Whether a zone's energy may be used. */
export const hasEnergy = (
  zone: EnergySample,
): zone is EnergySample & { readonly counterUj: number; readonly energyJ: number } =>
  zone.energyJ !== undefined && zone.counterUj !== undefined && zone.confidence > 0;

/**
 * The zones that add up to sockets and memory. A DRAM zone that stands at 0 has never counted: some
 * processors show it without filling it.
 */
export function countedEnergies(energies: readonly EnergySample[]): EnergySample[] {
  const alive = energies.filter((zone) => zone.part !== 'dram' || zone.counterUj !== 0);
  // A label is the kernel's name for packages; DRAM's may carry the number of its package.
  const named = alive.map((zone) => ({
    zone: zone.zone,
    name: zone.part === 'dram' ? 'dram' : zone.label,
    sample: zone,
  }));
  return countedZones(named).map(({ sample }) => sample);
}

/** Power from energies of `elapsedS`; absent when a package has none to trust and there is no `psys`. */
export function hostPower(
  energies: readonly EnergySample[],
  elapsedS: number,
): { readonly value: HostPower; readonly doubts: readonly Doubt[] } | undefined {
  const watts = (zones: readonly EnergySample[]): number =>
    zones.filter(hasEnergy).reduce((sum, { energyJ }) => sum + energyJ, 0) / elapsedS;
  const counted = countedEnergies(energies);
  const packages = counted.filter(({ part }) => part === 'package');
  const hasSocket = packages.length > 0 && packages.every(hasEnergy);
  const platform = energies.filter((zone) => zone.part === 'platform' && hasEnergy(zone));
  if (!hasSocket && platform.length === 0) return undefined;
  return {
    value: {
      ...(hasSocket ? { socketW: watts(counted) } : {}),
      ...(platform.length === 0 ? {} : { platformW: watts(platform) }),
    },
    doubts: counted.every(hasEnergy) ? [] : ['partial'],
  };
}
