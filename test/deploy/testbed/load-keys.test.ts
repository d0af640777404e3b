/** Which records are asked for how often. */
import { describe, expect, it } from 'vitest';
import {
  hash64,
  keyDistributions,
  recordChooser,
  recordKey,
} from '../../../deploy/testbed/load/ycsb/key-choice.ts';
import { operationSource } from '../../../deploy/testbed/load/ycsb/operations.ts';
import { type Workload, workloads } from '../../../deploy/testbed/load/ycsb/workloads.ts';
import { ycsbTheta, Zipfian } from '../../../deploy/testbed/load/ycsb/zipfian.ts';
import { RandomStream } from '../../../sim/index.ts';

/** Probability of each rank by Zipf's law. */
function zipf(items: number, theta: number): number[] {
  const weights = Array.from({ length: items }, (_, rank) => (rank + 1) ** -theta);
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight) => weight / sum);
}

/** How much of [0, 1) each rank takes, by halving between ranks: ranks never fall with the number. */
function sharesOf(ranks: Zipfian): number[] {
  const ends = Array.from({ length: ranks.items }, (_, rank) => {
    let [low, high] = [0, 1];
    for (let step = 0; step < 50; step++) {
      const middle = (low + high) / 2;
      if (ranks.rank(middle) <= rank) low = middle;
      else high = middle;
    }
    return high;
  });
  return ends.map((end, rank) => end - (ends[rank - 1] ?? 0));
}

const half = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0) / 2;

/** χ² of counts against probabilities, and its standard score (Wilson and Hilferty 1931). */
function chiSquareScore(counts: readonly number[], probabilities: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const square = counts.reduce((sum, count, index) => {
    const expected = total * probabilities[index]!;
    return sum + (count - expected) ** 2 / expected;
  }, 0);
  const freedom = counts.length - 1;
  const spread = 2 / (9 * freedom);
  return ((square / freedom) ** (1 / 3) - (1 - spread)) / Math.sqrt(spread);
}

describe('Zipfian ranks', () => {
  it.each([
    [1000, ycsbTheta, 0.03],
    [100, ycsbTheta, 0.04],
    [1000, 0.5, 0.02],
  ])(
    'of %i items with θ %d differ from Zipf’s law by a share of at most %d',
    (items, theta, apart) => {
      const shares = sharesOf(new Zipfian(items, theta));
      const exact = zipf(items, theta);
      expect(half(shares.map((share, rank) => Math.abs(share - exact[rank]!)))).toBeLessThan(apart);
      // The two most frequent are exact.
      expect(shares[0]).toBeCloseTo(exact[0]!, 12);
      expect(shares[1]).toBeCloseTo(exact[1]!, 12);
    },
  );

  it('come as often as their shares of uniform numbers', () => {
    const ranks = new Zipfian(200);
    const shares = sharesOf(ranks);
    const stream = new RandomStream(7, 'test');
    const counts = new Array<number>(200).fill(0);
    for (let draw = 0; draw < 200_000; draw++) counts[ranks.rank(stream.float())]! += 1;
    expect(Math.abs(chiSquareScore(counts, shares))).toBeLessThan(4);
  });

  it('of items that were added are those of as many from the start', () => {
    const grown = new Zipfian(3);
    for (const items of [4, 50, 50, 20, 1000]) grown.grow(items);
    const whole = new Zipfian(1000);
    for (let at = 0; at < 1; at += 1 / 512) expect(grown.rank(at)).toBe(whole.rank(at));
  });

  it('stay within the items', () => {
    for (const items of [1, 2, 3, 1000]) {
      const ranks = new Zipfian(items);
      for (const uniform of [0, 0.5, 0.999, 1 - 2 ** -32, 1 - 2 ** -53]) {
        expect(ranks.rank(uniform)).toBeGreaterThanOrEqual(0);
        expect(ranks.rank(uniform)).toBeLessThan(items);
      }
    }
  });
});

describe('records', () => {
  it('are hashed by FNV-1a over eight bytes', () => {
    // The offset basis and eight zero bytes: 0xcbf29ce484222325 · prime^8 mod 2^64, by hand in Python.
    expect(hash64(0)).toBe(6284781860667377211n);
    expect(hash64(1)).toBe(8517097267634966620n);
    expect(recordKey(0)).toBe('user6284781860667377211');
  });

  it.each(keyDistributions)('chosen %s exist', (distribution) => {
    const choose = recordChooser(distribution, new RandomStream(3, 'test'));
    for (let draw = 0; draw < 5000; draw++) {
      const records = 1 + Math.floor(draw / 20);
      const record = choose(records);
      expect(Number.isInteger(record) && record >= 0 && record < records).toBe(true);
    }
  });

  it('chosen uniformly are all alike', () => {
    const choose = recordChooser('uniform', new RandomStream(3, 'test'));
    const counts = new Array<number>(100).fill(0);
    for (let draw = 0; draw < 100_000; draw++) counts[choose(100)]! += 1;
    expect(
      Math.abs(
        chiSquareScore(
          counts,
          counts.map(() => 0.01),
        ),
      ),
    ).toBeLessThan(4);
  });

  it('chosen by Zipf’s law lie anywhere, the first one with 1 of 26.5 and its share of the rest', () => {
    const choose = recordChooser('zipfian', new RandomStream(3, 'test'));
    const counts = new Array<number>(1000).fill(0);
    const draws = 200_000;
    for (let draw = 0; draw < draws; draw++) counts[choose(1000)]! += 1;
    const hottest = counts.indexOf(Math.max(...counts));
    expect(hottest).toBe(Number(hash64(0) % 1000n));
    // Ranks from the 100th on are scattered so thin that each record has nearly its even part.
    const top = Array.from({ length: 100 }, (_, rank) => (rank + 1) ** -ycsbTheta / 26.469_028);
    const rest = 1 - half(top) * 2;
    expect(counts[hottest]! / draws).toBeGreaterThan(top[0]!);
    expect(counts[hottest]! / draws).toBeLessThan(top[0]! + (3 * rest) / 1000);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  });

  it('chosen as latest are the newest', () => {
    const choose = recordChooser('latest', new RandomStream(3, 'test'));
    const ages = Array.from({ length: 50_000 }, () => 999 - choose(1000));
    const share = (age: number): number => ages.filter((one) => one === age).length / ages.length;
    const exact = zipf(1000, ycsbTheta);
    expect(share(0)).toBeCloseTo(exact[0]!, 2);
    expect(share(1)).toBeCloseTo(exact[1]!, 2);
  });
});

describe('operations', () => {
  const shape = { records: 50, fields: 3, fieldBytes: 8 };
  const draw = (workload: Workload, seed: number, count: number) => {
    const source = operationSource(workload, shape, seed);
    return Array.from({ length: count }, () => {
      const operation = source.next();
      source.settled(operation);
      return operation;
    });
  };

  it.each(Object.entries(workloads))('of workload %s have its mix', (_, workload: Workload) => {
    const count = 20_000;
    const operations = draw(workload, 11, count);
    expect(Object.values(workload.mix).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    for (const [kind, share] of Object.entries(workload.mix)) {
      const found = operations.filter((operation) => operation.kind === kind).length / count;
      expect(Math.abs(found - share)).toBeLessThanOrEqual(
        4 * Math.sqrt((share * (1 - share)) / count),
      );
    }
  });

  it('are the same for the same seed, others for another', () => {
    expect(draw(workloads.d, 5, 200)).toEqual(draw(workloads.d, 5, 200));
    expect(draw(workloads.d, 6, 200)).not.toEqual(draw(workloads.d, 5, 200));
  });

  it('say what Redis is to do', () => {
    const key = expect.stringMatching(/^user\d+$/);
    const field = expect.stringMatching(/^field[012]$/);
    const value = expect.stringMatching(/^[ -~]{8}$/);
    const forms = {
      read: [['HGETALL', key]],
      update: [['HSET', key, field, value]],
      insert: [['HSET', key, 'field0', value, 'field1', value, 'field2', value]],
      'read-modify-write': [
        ['HGETALL', key],
        ['HSET', key, field, value],
      ],
    };
    for (const workload of Object.values(workloads)) {
      for (const { kind, commands, record } of draw(workload, 1, 100)) {
        expect(commands).toEqual(forms[kind]);
        for (const [, name] of commands) expect(name).toBe(recordKey(record));
      }
    }
  });

  it('read no record whose insert was not answered', () => {
    const source = operationSource(
      { description: '', mix: { insert: 0.5, read: 0.5 }, keys: 'latest' },
      shape,
      2,
    );
    const waiting: ReturnType<typeof source.next>[] = [];
    const answered = new Set<number>();
    const stream = new RandomStream(4, 'test');
    for (let step = 0; step < 5000; step++) {
      const operation = source.next();
      if (operation.kind === 'insert') waiting.push(operation);
      else if (operation.record >= shape.records) expect(answered.has(operation.record)).toBe(true);
      if (waiting.length > 0 && stream.float() < 0.6) {
        const [done] = waiting.splice(stream.integer(waiting.length), 1);
        answered.add(done!.record);
        source.settled(done!);
      }
    }
    expect(answered.size).toBeGreaterThan(1000);
  });
});
