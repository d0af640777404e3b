/** Training: it learns, it repeats, and it needs the state it was shown. */
import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type Backend,
  decodePolicy,
  defaultTraining,
  type EpochReport,
  type Example,
  encodePolicy,
  neuralPolicy,
  openBackend,
  packTables,
  scoringModel,
  shapeOf,
  type TrainedNetwork,
  type TrainOptions,
  trainNetwork,
} from '../../learner/index.ts';
import { createPlainPredictor } from '../../learner/runtime/index.ts';
import { bestLegal } from '../../learner/train.ts';
import { InputError, runPolicy } from '../../sim/index.ts';
import { smallEpisode, smallOracleOn, smallScenario } from '../small-episodes.ts';
import { smallExamples, smallNetwork } from './examples.ts';

const options: TrainOptions = {
  ...defaultTraining,
  network: smallNetwork,
  seed: 3,
  epochs: 10,
  batch: 8,
  learningRate: 1e-2,
};

let backend: Backend;
let train: Example[];
let heldOut: Example[];
let shifted: Example[];
let trained: TrainedNetwork;

beforeAll(async () => {
  backend = await openBackend('onnx');
  [train, heldOut, shifted] = await Promise.all([
    smallExamples([1, 2, 3, 4, 5]),
    smallExamples([6, 7, 8]),
    smallExamples([6, 7, 8], 1),
  ]);
  trained = await trainNetwork(backend, train, heldOut, options);
});

/** Mean cost of the network's choices above the best plan tried. */
function regretOf(network: Pick<TrainedNetwork, 'parameters' | 'scales'>): number {
  const predictor = createPlainPredictor(scoringModel(smallNetwork), network.parameters);
  let sum = 0;
  for (const { table, objective } of heldOut) {
    const { bucket, feeds } = packTables([table], network.scales, shapeOf([table]));
    const choice = bestLegal(predictor.run(bucket, feeds)['scores']!, table.legal);
    sum += objective[choice]! - Math.min(...objective);
  }
  return sum / heldOut.length;
}

/** Whether the network that came out is one whose held-out regret was reported. */
function isJudged(network: TrainedNetwork): boolean {
  const regret = regretOf(network);
  return network.curve.some((report) => Math.abs(report.heldOutRegret - regret) < 1e-12);
}

describe('training', () => {
  it('lowers the loss', () => {
    const { curve } = trained;
    expect(curve).toHaveLength(10);
    expect(curve.at(-1)!.trainLoss).toBeLessThan(0.8 * curve[0]!.trainLoss);
  });

  it('returns a network that its curve has judged, on episodes it was not trained on', () => {
    expect(isJudged(trained)).toBe(true);
  });

  it('chooses better than at random, on episodes it never saw', () => {
    let random = 0;
    for (const { objective } of heldOut) {
      const mean = objective.reduce((sum, cost) => sum + cost, 0) / objective.length;
      random += (mean - Math.min(...objective)) / heldOut.length;
    }
    expect(regretOf(trained)).toBeLessThan(0.5 * random);
  });

  it('gives the same checkpoint, byte for byte, from the same seed, and another from another', async () => {
    const bytes = Buffer.from(encodePolicy(trained, 'test'));
    const again = await trainNetwork(backend, train, heldOut, options);
    expect(bytes.equals(encodePolicy(again, 'test'))).toBe(true);
    const other = await trainNetwork(backend, train, heldOut, { ...options, seed: 4 });
    expect(bytes.equals(encodePolicy(other, 'test'))).toBe(false);
  });

  it('judges without touching: the loss does not depend on what is held out', async () => {
    const short = { ...options, epochs: 2 };
    const losses = async (held: readonly Example[]): Promise<number[]> =>
      (await trainNetwork(backend, train, held, short)).curve.map((report) => report.trainLoss);
    expect(await losses(shifted)).toEqual(await losses(heldOut));
  });

  it('stops when told to, with what it has so far', async () => {
    const epochs: number[] = [];
    const stopped = await trainNetwork(backend, train, heldOut, options, (report) => {
      epochs.push(report.epoch);
      return report.epoch < 2;
    });
    expect(epochs).toEqual([0, 1, 2]);
    expect(stopped.curve).toEqual(trained.curve.slice(0, 3));
    expect(isJudged(stopped)).toBe(true);
  });

  it('names the proposal that is best to follow always', () => {
    const { bestFixed } = trained;
    const regret = (source: string): number => {
      const costs = train.flatMap(({ sources, objective }) => {
        const plan = sources.indexOf(source);
        return plan < 0 ? [] : [objective[plan]! - Math.min(...objective)];
      });
      return costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
    };
    expect(train.some(({ sources }) => sources.includes(bestFixed.source))).toBe(true);
    expect(regret(bestFixed.source)).toBeLessThanOrEqual(regret('pabfd 0.4'));
    expect(bestFixed.heldOutRegret).toBeGreaterThanOrEqual(0);
  });
});

describe('a model that is shown the state one decision late', () => {
  it('has other tables against the same labels', () => {
    expect(shifted).toHaveLength(heldOut.length);
    shifted.forEach((example, index) => {
      expect(example.objective).toEqual(heldOut[index]!.objective);
      expect(example.sources).toEqual(heldOut[index]!.sources);
      expect(example.table.legal).toEqual(heldOut[index]!.table.legal);
    });
    // Where no plan changes anything, both tables are empty and say nothing.
    const telling = shifted.filter(
      ({ table }, index) => table.rows > 0 || heldOut[index]!.table.rows > 0,
    );
    const same = telling.filter(
      (example) => `${example.table.host}` === `${heldOut[shifted.indexOf(example)]!.table.host}`,
    );
    expect(telling.length).toBeGreaterThan(5);
    expect(same.length).toBeLessThan(telling.length / 2);
  });

  it('is judged worse: it decides by the state and not by something that leaks', async () => {
    const late = await trainNetwork(backend, train, shifted, options);
    const regret = (curve: readonly EpochReport[]): number =>
      curve.reduce((sum, report) => sum + report.heldOutRegret, 0) / curve.length;
    expect(regret(late.curve)).toBeGreaterThan(1.1 * regret(trained.curve));
  });
});

describe('a checkpoint', () => {
  it('decides as the network that was stored in it', () => {
    const stored = decodePolicy(encodePolicy(trained, 'test'), 'policy.ckpt');
    const episode = smallEpisode(9, smallScenario(8));
    const run = (spec: Parameters<typeof neuralPolicy>[1]): unknown => {
      const { twin, options: decides, untilMs } = smallOracleOn(episode);
      return runPolicy(twin, neuralPolicy('learned', spec), { ...decides, untilMs });
    };
    expect(run(stored)).toEqual(run(trained));
    expect(stored.curve).toEqual(trained.curve);
    expect(stored.bestFixed).toEqual(trained.bestFixed);
    expect(encodePolicy({ ...trained, ...stored }, 'test')).toEqual(encodePolicy(trained, 'test'));
  });

  it('that is damaged, cut off, or of something else is bad input that names the file', () => {
    const bytes = encodePolicy(trained, 'test');
    const refused = (damaged: Uint8Array): string => {
      try {
        decodePolicy(damaged, 'policy.ckpt');
      } catch (error) {
        expect(error).toBeInstanceOf(InputError);
        expect((error as Error).message).toMatch(/^policy\.ckpt/);
        return (error as Error).message;
      }
      throw new Error('was accepted');
    };
    for (let length = 0; length < bytes.length; length += 997) refused(bytes.subarray(0, length));
    for (let at = 0; at < bytes.length; at += 499) {
      const flipped = bytes.slice();
      flipped[at]! ^= 0x10;
      refused(flipped);
    }
    expect(refused(new TextEncoder().encode('hosts: []\n'))).toContain('expected a Wattwin checkp');
  });

  it('of a network with other features or of another kind is refused', () => {
    const bytes = encodePolicy(trained, 'test');
    const header = (change: (text: string) => string): Uint8Array => rewritten(bytes, change);
    const cases: readonly (readonly [change: (text: string) => string, message: string])[] = [
      [(text) => text.replace('plan-scores', 'other-kind!'), 'a checkpoint of kind plan-scores'],
      [(text) => text.replace('utilizationNow', 'utilizationThen'), 'host features'],
      [(text) => text.replace('"demandNow"', '"demandOld"'), 'VM features'],
      [(text) => text.replace('"vmWidth":4', '"vmWidth":"4"'), 'layer widths'],
      [(text) => text.replace('"curve":', '"kurve":'), 'a learning curve'],
    ];
    for (const [change, message] of cases) {
      expect(() => decodePolicy(header(change), 'policy.ckpt')).toThrow(InputError);
      expect(() => decodePolicy(header(change), 'policy.ckpt')).toThrow(message);
    }
  });
});

/** The same checkpoint with another header, its checksum put right. */
function rewritten(bytes: Uint8Array, change: (header: string) => string): Uint8Array {
  const size = new DataView(bytes.buffer).getUint32(12, true);
  const header = new TextDecoder().decode(bytes.subarray(20, 20 + size));
  const text = new TextEncoder().encode(change(header));
  const result = Buffer.concat([bytes.subarray(0, 20), text, bytes.subarray(20 + size)]);
  result.writeUInt32LE(text.length, 12);
  result.writeUInt32LE(crc32(result.subarray(20)), 16);
  return Uint8Array.from(result);
}
