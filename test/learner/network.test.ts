/** The set policy: its size, its symmetries, its mask and its padding. */
import { describe, expect, it } from 'vitest';
import { packExamples, roundedSize } from '../../learner/batch.ts';
import {
  defaultNetwork,
  describePlans,
  hostFeatures,
  openBackend,
  packTables,
  parameterCount,
  scoringModel,
  shapeOf,
  vmFeatures,
} from '../../learner/index.ts';
import { createPlainPredictor, describeModel } from '../../learner/runtime/index.ts';
import { bestLegal } from '../../learner/train.ts';
import {
  type Action,
  advance,
  propose,
  proposers,
  RandomStream,
  type Twin,
  unlimited,
  withFrequencies,
} from '../../sim/index.ts';
import {
  type ClusterOptions,
  startTwin,
  threePstates,
  type VmOptions,
  viewOf,
} from '../builders.ts';
import {
  plainScales,
  randomParameters,
  scoresOf,
  smallExamples,
  smallNetwork,
} from './examples.ts';

const parameters = randomParameters(7);

const vm = (index: number): VmOptions => ({
  name: `vm-${index}`,
  demandMips: Array.from({ length: 4 }, (_, row) => 100 + ((index * 617 + row * 389) % 1700)),
  memoryGib: 1 + (index % 3),
  host: index % 3,
});

const hosts: Exclude<ClusterOptions['hosts'], number> = [
  { pstates: threePstates },
  { coreMips: 1500, idleW: 80, fullW: 260, cores: 8 },
  { pstates: threePstates, memoryGib: 32 },
  { initiallyOn: false },
];

const vms = Array.from({ length: 7 }, (_, index) => vm(index));

/** After three rows in which nobody moved, so that ids decide nothing. */
function metAfter(options: ClusterOptions): Twin {
  const twin = startTwin(options);
  advance(twin, 900_000);
  return twin;
}

const view = viewOf(metAfter({ hosts, vms }));
const proposals = propose(view, unlimited, new RandomStream(1, 'test'), proposers());
const plans = withFrequencies(view, proposals).map((candidate) => candidate.actions);
const table = describePlans(view, plans);
const scores = scoresOf(table, parameters);

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, index) => {
    const scale = Math.max(1, Math.abs(expected[index]!));
    expect(Math.abs(value - expected[index]!) / scale).toBeLessThan(1e-5);
  });
}

describe('the network', () => {
  it('has as many parameters for a thousand hosts as for one', () => {
    const { vmWidth, hostWidth } = defaultNetwork;
    const derived =
      (vmFeatures.length + 1) * vmWidth +
      (hostFeatures.length + vmWidth + 1) * hostWidth +
      (hostWidth + 1) * hostWidth +
      // Readout, the linear path beside it, and the price of a migration.
      hostWidth +
      hostFeatures.length +
      1;
    for (const rows of [1, 24, 1000]) {
      const bucket = { rows, vmRows: 3 * rows, terms: 2 * rows, plans: 5 * rows };
      const described = describeModel(scoringModel(defaultNetwork), bucket);
      expect(parameterCount(described.parameters)).toBe(derived);
    }
  });

  it('tells plans apart, and gives doing nothing the score 0', () => {
    expect(new Set(scores.map((score) => score.toFixed(4))).size).toBeGreaterThan(3);
    expect(scoresOf(describePlans(view, [[], plans[1]!]), parameters)[0]).toBeCloseTo(0, 12);
  });

  it('permutes its scores as plans are permuted', () => {
    const order = plans.map((_, index) => (index * 7 + 3) % plans.length);
    expect(new Set(order).size).toBe(plans.length);
    const shuffled = describePlans(
      view,
      order.map((plan) => plans[plan]!),
    );
    expectClose(
      scoresOf(shuffled, parameters),
      order.map((plan) => scores[plan]!),
    );
  });

  it('gives the same scores when hosts and VMs are called otherwise', () => {
    const newHost = [2, 0, 3, 1];
    const newVm = [4, 6, 0, 3, 1, 5, 2];
    const otherHosts = newHost.map((_, index) => hosts[newHost.indexOf(index)]!);
    const otherVms = newVm.map((_, index) => {
      const original = vms[newVm.indexOf(index)]!;
      return { ...original, host: newHost[original.host!]! };
    });
    const rename = (action: Action): Action => ({
      ...action,
      ...('host' in action ? { host: newHost[action.host]! } : {}),
      ...('vm' in action ? { vm: newVm[action.vm]! } : {}),
    });
    const other = viewOf(metAfter({ hosts: otherHosts, vms: otherVms }));
    const renamed = plans.map((actions) => actions.map(rename));
    expectClose(scoresOf(describePlans(other, renamed), parameters), scores);
  });

  it('adds up over hosts that have nothing to do with each other', () => {
    const slower: Action = { type: 'setPstate', host: 0, pstate: 2 };
    const sleeps: Action = { type: 'powerOff', host: 1 };
    const [both, one, another] = scoresOf(
      describePlans(view, [[slower, sleeps], [slower], [sleeps]]),
      parameters,
    );
    expect(both).toBeCloseTo(one! + another!, 5);
  });

  it('gives the same scores whatever the padding', () => {
    const shape = shapeOf([table]);
    for (const factor of [1, 2, 5]) {
      const padding = {
        rows: shape.rows * factor + 3,
        vmRows: shape.vmRows * factor + 1,
        terms: shape.terms * factor + 7,
        plansEach: shape.plansEach * factor + 2,
      };
      expectClose(scoresOf(table, parameters, padding), scores);
    }
  });

  it('gives the same scores to decisions packed together as to each alone', () => {
    const other = describePlans(view, plans.slice(3, 8));
    const tables = [other, table];
    const shape = shapeOf(tables);
    const { bucket, feeds } = packTables(tables, plainScales, shape);
    const model = scoringModel(smallNetwork);
    const together = createPlainPredictor(model, parameters).run(bucket, feeds)['scores']!;
    expectClose([...together.subarray(0, 5)], scoresOf(other, parameters));
    expectClose([...together.subarray(shape.plansEach, shape.plansEach + plans.length)], scores);
  });

  it('scores on ONNX Runtime as on the plain executor', async () => {
    const backend = await openBackend('onnx');
    const predictor = backend.createPredictor(scoringModel(smallNetwork), parameters);
    const { bucket, feeds } = packTables([table], plainScales, shapeOf([table]));
    const { scores: found } = await predictor.run(bucket, feeds);
    expectClose([...found!.subarray(0, plans.length)], scores);
    await predictor.dispose();
  });
});

describe('the mask', () => {
  const legal: Action[] = [{ type: 'setPstate', host: 0, pstate: 1 }];
  const illegal: readonly Action[][] = [
    [{ type: 'migrate', vm: 0, host: 3 }],
    [{ type: 'migrate', vm: 0, host: 0 }],
    [{ type: 'place', vm: 0, host: 1 }],
    [{ type: 'powerOn', host: 0 }],
    [
      { type: 'powerOff', host: 1 },
      { type: 'migrate', vm: 0, host: 1 },
    ],
    [{ type: 'setPstate', host: 0, pstate: 3 }],
  ];

  it('keeps illegal plans from being chosen, also where their score is the best', () => {
    const reversed = parameters.map((parameter) =>
      /^(cost|migration)\//.test(parameter.name)
        ? { ...parameter, data: parameter.data.map((value) => -value) }
        : parameter,
    );
    let outshone = 0;
    for (const plan of illegal.slice(0, -1)) {
      const candidates = describePlans(view, [plan, legal]);
      expect([...candidates.legal]).toEqual([0, 1]);
      for (const network of [parameters, reversed]) {
        const found = scoresOf(candidates, network);
        if (found[0]! > found[1]!) outshone++;
        expect(bestLegal(found, candidates.legal)).toBe(1);
      }
    }
    expect(outshone).toBeGreaterThanOrEqual(illegal.length - 1);
  });

  it('takes the best score, the lowest plan on ties, none where none is legal', () => {
    expect(bestLegal([1, 3, 2], Float32Array.of(1, 1, 1))).toBe(1);
    expect(bestLegal([1, 3, 2], Float32Array.of(1, 0, 1))).toBe(2);
    expect(bestLegal([4, 4, 4], Float32Array.of(0, 1, 1))).toBe(1);
    expect(bestLegal([4], Float32Array.of(0))).toBe(-1);
    expect(bestLegal([-Infinity], Float32Array.of(1))).toBe(0);
  });

  it('keeps the cost of illegal plans out of what is learned', async () => {
    const [example] = await smallExamples([1]);
    const legalNow = example!.table.legal.map((_, plan) => (plan === 1 ? 0 : 1));
    const pack = (cost: number): unknown => {
      const objective = example!.objective.map((value, plan) => (plan === 1 ? cost : value));
      const masked = { ...example!, objective, table: { ...example!.table, legal: legalNow } };
      return packExamples([masked], plainScales, shapeOf([masked.table]), 0.1).feeds;
    };
    expect(pack(1e6)).toEqual(pack(-1e6));
  });
});

describe('targets', () => {
  it('are costs against the mean, and a soft choice that sums to 1', async () => {
    const [example] = await smallExamples([2]);
    const shape = shapeOf([example!.table]);
    const { feeds } = packExamples([example!], plainScales, shape, 0.5);
    const count = example!.table.plans;
    const mean = example!.objective.reduce((sum, cost) => sum + cost, 0) / count;
    const { targetCost, targetChoice, mask, oneOverCount } = feeds;
    example!.objective.forEach((cost, plan) => {
      expect(targetCost![plan]).toBeCloseTo((cost - mean) / 0.5, 5);
    });
    const choices = [...targetChoice!];
    expect(choices.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    // Best first in the labels, so the first choice is the likeliest.
    expect(Math.max(...choices)).toBe(choices[0]);
    expect([...mask!].filter((value) => value === 1)).toHaveLength(count);
    expect(oneOverCount![0]).toBeCloseTo(1 / count, 6);
  });

  it('are padded to few shapes: 1, 2, 3, 4, 6, 8, 12, 16, …', () => {
    const sizes = [1, 2, 3, 4, 5, 6, 7, 9, 13, 17, 25, 100].map(roundedSize);
    expect(sizes).toEqual([1, 2, 3, 4, 6, 6, 8, 12, 16, 24, 32, 128]);
    for (let size = 1; size < 500; size++) {
      expect(roundedSize(size)).toBeGreaterThanOrEqual(size);
      expect(roundedSize(size)).toBeLessThanOrEqual(Math.max(1, 1.5 * size));
    }
  });
});
