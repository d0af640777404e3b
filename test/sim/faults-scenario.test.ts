/** The scenario key `faults`. */
import { expect, it } from 'vitest';
import { modelOf, parseScenario } from '../../sim/index.ts';
import { clusterModel } from '../builders.ts';

const { workload } = clusterModel({ hosts: 1, vms: [{}, {}] });
const head = `
name: failing
hosts:
  - { name: a, count: 2, model: hp-ml110-g5 }
  - { name: b, count: 2, model: hp-ml110-g5 }
workload: { type: none }
network: { racks: { hosts: 2, uplink: 1 Gbit/s } }
`;
const modelWith = (faults: string) =>
  modelOf(parseScenario(`${head}${faults}`, 'test.yaml'), workload, 'test.yaml');

it('builds what it says', () => {
  const { faults } = modelWith(`
faults:
  hosts:
    - { mtbf: 30 d, repair: 1 h, distribution: weibull }
    - { together: rack, mtbf: 100 d, repair: 2 h, repairDistribution: lognormal, repairScv: 2 }
    - { hosts: [b-1], mtbf: 10 d, repair: 1 min, distribution: constant, repairDistribution: constant }
  traces:
    - { rows: [{ interval: 1 h, duration: 5 min, intensity: 0.5 }], repeat: true }
  vms: { mtbf: 5 d }
  migrations: { fail: 0.01, slow: 0.1, slowFactor: 0.5 }
  telemetry:
    - { kind: stale, scope: vm, every: 1 d, lasts: 1 h, intervals: 2 }
    - { kind: clock, every: 1 d, lasts: 1 h, jump: 5 min }
  restart: 30 s
  repaired: 'off'
`);
  const day = 86_400_000;
  // Four hosts alone, two racks, one host; the trace; two VMs; the clock.
  expect(faults?.sources.map((source) => source.type)).toEqual([
    ...Array.from({ length: 7 }, () => 'hosts'),
    'trace',
    ...Array.from({ length: 3 }, () => 'telemetry'),
  ]);
  expect(faults?.sources[0]).toMatchObject({
    upMs: { type: 'weibull', mean: 30 * day, shape: 0.7 },
    downMs: { type: 'exponential', mean: 3_600_000 },
  });
  expect(faults?.sources[5]).toMatchObject({
    count: 2,
    downMs: { type: 'lognormal', mean: 7_200_000, scv: 2 },
  });
  expect([...faults!.members]).toEqual([0, 1, 2, 3, 0, 1, 2, 3, 3, 0, 1, 2, 3]);
  expect(faults?.sources.at(-1)).toMatchObject({ kind: 'clock', jumpMs: -300_000 });
  expect(faults?.migrations).toEqual({
    failProbability: 0.01,
    slowProbability: 0.1,
    slowFactor: 0.5,
  });
  expect(faults).toMatchObject({ restartMs: 30_000, repairedOn: false, crashedVms: 'pending' });
});

it.each([
  ['hosts: [{ hosts: [c], mtbf: 1 d, repair: 1 h }]', 'faults.hosts[0].hosts: expected a host'],
  ['hosts: [{ mtbf: 0 s, repair: 1 h }]', 'faults.hosts[0].mtbf: expected a time above 0'],
  ['migrations: { fail: 2 }', 'faults.migrations.fail'],
  ['telemetry: [{ kind: old, every: 1 h, lasts: 1 h }]', 'faults.telemetry[0].kind'],
  [
    'traces: [{ rows: [{ interval: 0 s, duration: 0 s }], repeat: true }]',
    'faults.traces[0]: expected a row that takes time',
  ],
  ['vms: { mtbf: -1 d }', 'faults.vms.mtbf'],
  ['hostz: []', 'hostz'],
])('refuses { %s }', (text, message) => {
  expect(() => modelWith(`faults: { ${text} }`)).toThrow(message);
});
