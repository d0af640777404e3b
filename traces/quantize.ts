/**
 * Real-valued demand in 16-bit units whose scale is a power of two.
 *
 * The unit of a VM is the smallest power of two (in MIPS) that still reaches its capacity with
 * 65535 units. Every `units × mipsPerUnit` is then a dyadic number far below 2^53 units, so sums
 * and differences over the VMs of a host are exact in float64 in any order. The unit lies between
 * 1/65535 and 2/65535 of the capacity; rounding to the nearest unit errs by at most half of it,
 * 0.0016 % of the capacity.
 */

/** Most units a cell holds. */
const unitsMax = 65_535;

/** Most cells of a demand matrix [steps, vms], 512 MiB; readers refuse to build a larger one. */
export const demandCellsMax = 0x10000000;

/** Unit of a VM of `capacityMips`, MIPS; 1 for a VM without capacity. */
export function unitMips(capacityMips: number): number {
  let unit = 1;
  if (capacityMips <= 0) return unit;
  while (capacityMips / unit > unitsMax) unit *= 2;
  while (capacityMips / (unit / 2) <= unitsMax) unit /= 2;
  return unit;
}

/** Nearest whole units of a demand in [0, capacity], never above the capacity. */
export function unitsOf(demandMips: number, capacityMips: number, mipsPerUnit: number): number {
  return Math.min(Math.round(demandMips / mipsPerUnit), Math.floor(capacityMips / mipsPerUnit));
}
