/** Costs on their way between threads and files. */
import { afterAll, expect, it } from 'vitest';
import {
  costColumns,
  packCost,
  readCostRows,
  unpackCost,
  writeCostRow,
} from '../../oracle/cost-row.ts';
import {
  decodeEpisode,
  encodeDemonstration,
  oraclePolicy,
  RolloutPool,
  rollout,
  rolloutSpecOf,
} from '../../oracle/index.ts';
import {
  type Action,
  advance,
  type CostVector,
  decideOnce,
  defaultObjective,
  runPolicy,
  StepTrace,
  scalarCost,
  type Twin,
  unlimited,
} from '../../sim/index.ts';
import { startTwin } from '../builders.ts';
import { smallOracle } from '../small-episodes.ts';

const options = {
  ...smallOracle,
  decisionEveryMs: 300_000,
  budget: unlimited,
  objective: defaultObjective,
};

const costs: readonly CostVector[] = [
  { energyKwh: 1 / 3, lostVcpuHours: 5e-324, migrations: 2 },
  { energyKwh: 1, lostVcpuHours: 0, migrations: 0, money: -0.25, carbonKg: 0.1 + 0.2 },
  { energyKwh: 1, lostVcpuHours: 0, migrations: 0, money: 7 },
  { energyKwh: 1, lostVcpuHours: 0, migrations: 0, carbonKg: 0 },
];

it('come back as they went, absent parts absent', () => {
  const rows = new Float64Array(costs.length * costColumns);
  for (const [index, cost] of costs.entries()) writeCostRow(rows, index, cost);
  expect(readCostRows(rows)).toStrictEqual(costs);
  const asText = costs.map((cost) => unpackCost(JSON.parse(JSON.stringify(packCost(cost)))));
  expect(asText).toStrictEqual(costs);
});

it('are three numbers without a facility, as they have always been', () => {
  expect(packCost(costs[0]!)).toEqual([1 / 3, 5e-324, 2]);
  expect(packCost(costs[2]!)).toEqual([1, 0, 0, 7, null]);
});

it.each([[[1, 2]], [[1, 2, 3, 4]], [[1, 2, null]], [[1, 2, 3, 'x', 1]], ['123'], [null]])(
  'refuses %j',
  (packed) => {
    expect(unpackCost(packed)).toBeUndefined();
  },
);

it('reads shards of both kinds', () => {
  const header = '{"format":"wattwin-demonstrations","version":1,"decisions":1}';
  for (const cost of costs) {
    const demonstration = {
      decision: 0,
      decidedAtMs: 0,
      observedAtMs: 0,
      executed: 0,
      plans: [{ source: 'all-on', objective: 1, cost, actions: [] }],
    };
    const bytes = new TextEncoder().encode(`${header}\n${encodeDemonstration(demonstration)}\n`);
    expect(decodeEpisode(bytes, 'x')?.demonstrations).toStrictEqual([demonstration]);
  }
});

/** Two hosts, one of them nearly idle; electricity gets dear and dirty within the horizon. */
function pricedTwin(): Twin {
  const steps = (...values: number[]): StepTrace =>
    new StepTrace(Float64Array.of(0, 750_000), Float64Array.from(values));
  const twin = startTwin({
    hosts: 2,
    vms: [
      { demandMips: 900, host: 0 },
      { demandMips: 100, host: 1 },
    ],
    facility: { pue: 1.5, pricePerKwh: steps(0.1, 0.5), carbonGPerKwh: steps(100, 600) },
  });
  // A row has been measured.
  advance(twin, 300_000);
  return twin;
}

const pool = new RolloutPool(2);
afterAll(() => pool.close());

it('are the same from workers as from here, money and carbon included', async () => {
  const twin = pricedTwin();
  const plans: readonly (readonly Action[])[] = [
    [],
    [{ type: 'migrate', vm: 1, host: 0 }],
    [
      { type: 'migrate', vm: 1, host: 0 },
      { type: 'powerOff', host: 1 },
    ],
  ];
  const there = await pool.score(twin, options, plans);
  const scratch = twin.fork();
  const here = plans.map((plan) => rollout(twin, scratch, plan, rolloutSpecOf(options)));
  expect(there).toStrictEqual(here);
  expect(here.every(({ money, carbonKg }) => money! > 0 && carbonKg! > 0)).toBe(true);
  // Switching a host off saves all three.
  expect(here[2]!.money!).toBeLessThan(here[0]!.money!);
  expect(here[2]!.carbonKg!).toBeLessThan(here[0]!.carbonKg!);
});

it('steer the oracle by their weights alone', () => {
  // Energy and work weigh nothing, so whatever it does, it does for the carbon.
  const objective = { energyPerKwh: 0, lostPerVcpuHour: 0, perMigration: 1e-6, carbonPerKg: 100 };
  const green = { ...options, objective };
  const twin = pricedTwin();
  const { plan } = decideOnce(twin, oraclePolicy(green));
  expect(plan.actions.some(({ type }) => type === 'powerOff')).toBe(true);
  const result = runPolicy(pricedTwin(), oraclePolicy(green), {
    ...green,
    untilMs: 1_200_000,
  });
  expect(result.objective).toBe(scalarCost(result.cost, objective));
  expect(result.objective).toBeGreaterThan(0);
});
