/** Which record an operation goes to, by YCSB's three ways to choose. */
import type { RandomStream } from '../../../../sim/index.ts';
import { ycsbTheta, Zipfian } from './zipfian.ts';

/**
 * `zipfian`: a few records get most requests, wherever they lie. `latest`: the newest get most.
 * `uniform`: all alike.
 */
export const keyDistributions = ['zipfian', 'latest', 'uniform'] as const;
export type KeyDistribution = (typeof keyDistributions)[number];

/** Record numbers, given that records 0 … `records` − 1 exist. */
export type ChooseRecord = (records: number) => number;

/**
 * Ranks are drawn from so many, then scattered over the records by a hash; with its ζ. So the share of
 * the most frequent record is 1/26.5, whatever the number of records.
 */
const scatteredItems = 1e10;
const scatteredZeta = 26.46902820178302;

export function recordChooser(distribution: KeyDistribution, stream: RandomStream): ChooseRecord {
  // 32 bits do not reach all of 10^10 ranks.
  const uniform = (): number => stream.float() + stream.float() / 0x100000000;
  switch (distribution) {
    case 'uniform':
      return (records) => Math.floor(uniform() * records);
    case 'latest': {
      const ranks = new Zipfian(1);
      return (records) => {
        ranks.grow(records);
        return records - 1 - ranks.rank(uniform());
      };
    }
    case 'zipfian': {
      const ranks = new Zipfian(scatteredItems, ycsbTheta, scatteredZeta);
      return (records) => Number(hash64(ranks.rank(uniform())) % BigInt(records));
    }
  }
}

/** The key of a record: numbers hashed, so that records inserted one after the other lie apart. */
export const recordKey = (record: number): string => `user${hash64(record)}`;

const offsetBasis = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;

/**
 * FNV-1a over the 8 bytes of a number, the lowest first, as the absolute value of a signed 64-bit
 * number: what YCSB calls `fnvhash64`.
 */
export function hash64(value: number): bigint {
  let rest = BigInt(value);
  let hash = offsetBasis;
  for (let byte = 0; byte < 8; byte++) {
    hash = BigInt.asUintN(64, (hash ^ (rest & 0xffn)) * prime);
    rest >>= 8n;
  }
  const signed = BigInt.asIntN(64, hash);
  return signed < 0n ? -signed : signed;
}
