/**
 * The order in which `java.util.HashMap` (OpenJDK 8 and later) walks a host's table of requests.
 * Sums taken in that order differ in their last bits from sums in list order, and a last bit can
 * decide a comparison.
 *
 * Keys are `2-<vm>`: the broker's id and the VM's. Each bucket keeps its keys in order of
 * insertion, splits keep that order, and keys always enter in list order, so the walk is the list
 * sorted stably by bucket: only the number of buckets has to be remembered.
 */

import type { Cluster } from './cluster.ts';

/** Buckets of a new table. */
export const smallestTable = 16;
/** A table holds at most this fraction of its buckets in keys. */
const loadFactor = 0.75;
/** A bucket with this many keys makes a small table grow. */
const longBucket = 8;
/** Tables of this size or more do not grow for the sake of one bucket. */
const largeTable = 64;

/** `String.hashCode` of `key` with the upper half folded in, as HashMap uses it. */
export function spreadHash(key: string): number {
  let hash = 0;
  for (let index = 0; index < key.length; index++) {
    hash = (Math.imul(hash, 31) + key.charCodeAt(index)) | 0;
  }
  return hash ^ (hash >>> 16);
}

/**
 * Makes room in the host's table for one more key.
 *
 * @returns True when the table grew, which changes the order of the keys it holds.
 */
export function growTable(cluster: Cluster, host: number, vm: number): boolean {
  const { hostTable, hostVms } = cluster;
  const before = hostTable[host]!;
  const keys = hostVms[host]!;
  if (keys >= longBucket && before < largeTable && bucketKeys(cluster, host, vm) >= longBucket) {
    hostTable[host] = before * 2;
  }
  if (keys + 1 > hostTable[host]! * loadFactor) hostTable[host]! *= 2;
  return hostTable[host] !== before;
}

/** Keys in the bucket that `vm` falls into. */
function bucketKeys(cluster: Cluster, host: number, vm: number): number {
  const { hostTable, hostVms, slotVm, slotsPerHost, vmHash } = cluster;
  const mask = hostTable[host]! - 1;
  const bucket = vmHash[vm]! & mask;
  const first = host * slotsPerHost;
  const end = first + hostVms[host]!;
  let keys = 0;
  for (let slot = first; slot < end; slot++) {
    if ((vmHash[slotVm[slot]!]! & mask) === bucket) keys++;
  }
  return keys;
}

/** Writes the host's slots in table order to `orderSlot[0 … hostVms - 1]`. */
export function orderByTable(cluster: Cluster, host: number): void {
  const { hostTable, hostVms, orderBucket, orderSlot, slotVm, slotsPerHost, vmHash } = cluster;
  const mask = hostTable[host]! - 1;
  const first = host * slotsPerHost;
  const count = hostVms[host]!;
  for (let index = 0; index < count; index++) {
    const bucket = vmHash[slotVm[first + index]!]! & mask;
    let place = index;
    while (place > 0 && orderBucket[place - 1]! > bucket) {
      orderBucket[place] = orderBucket[place - 1]!;
      orderSlot[place] = orderSlot[place - 1]!;
      place--;
    }
    orderBucket[place] = bucket;
    orderSlot[place] = first + index;
  }
}
