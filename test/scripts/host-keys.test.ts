/** Host keys of scenarios: what they become, and what is refused. */
import { describe, expect, it } from 'vitest';
import { loadPowerW } from '../../sim/hosts/pstate-power.ts';
import { createWorkload, modelOf, parseScenario, sharedUint16, Twin } from '../../sim/index.ts';

const workload = createWorkload(
  'one VM',
  300_000,
  [
    {
      name: 'a',
      vcpus: 2,
      vcpuMips: 1000,
      memoryBytes: 2 ** 30,
      arrivalMs: 0,
      departureMs: Infinity,
      mipsPerUnit: 1,
    },
  ],
  sharedUint16(2),
);

const model = (host: string) =>
  modelOf(
    parseScenario(`name: t\nhosts: [${host}]\nworkload: { type: none }`, 's.yaml'),
    workload,
    's.yaml',
  );

const plain = 'cores: 4, memory: 8 GiB, pstates: [{ speed: 1 GHz, idle: 50 W, full: 100 W }]';

it('frequency, sleep, heat and pins reach the model in its units', () => {
  const built = model(
    `{ ${plain}, frequency: { domains: core, latency: 500 us, halt: 20 us, grid: 1 ms }, ` +
      'sleep: { suspend: { time: 3 s, power: 90 W }, power: 5 W, resume: { time: 6 s, power: 95 W } }, ' +
      'heat: { resistance: 0.1, capacity: 800, limit: 60 }, vms: [a], pins: { a: 2 } }',
  );
  expect(built.hostDomains[0]).toBe(4);
  expect(built.hostTransitionMs[0]).toBe(0.5);
  expect(built.hostTransitionHaltMs[0]).toBe(0.02);
  expect(built.hostTransitionGridMs[0]).toBe(1);
  expect([built.hostSleeps[0], built.hostSuspendMs[0], built.hostAsleepW[0]]).toEqual([1, 3000, 5]);
  expect(built.hostHeat[0]).toMatchObject({ resistanceKPerW: 0.1, inletC: 22, limitC: 60 });
  expect(Twin.create(built, 1).state.vmCore[0]).toBe(2);
});

it('a form replaces the line; zeroIdle takes the power without load away', () => {
  const square = '{ speed: 1 GHz, idle: 50 W, full: 100 W, form: square, zeroIdle: true }';
  const built = model(`{ cores: 4, memory: 8 GiB, pstates: [${square}] }`);
  expect([0, 0.5, 1].map((load) => loadPowerW(built, 0, load))).toEqual([0, 62.5, 100]);
});

it('governors are named with their tunables once, however many hosts share them', () => {
  const governor = 'governor: { rule: ondemand, options: { up_threshold: 80 } }';
  const built = model(`{ count: 3, ${plain}, ${governor} }`);
  expect(built.governors).toEqual([{ name: 'ondemand', options: { up_threshold: 80 } }]);
  expect(Twin.create(built, 1).governors.map(({ name }) => name)).toEqual(['ondemand']);
});

describe('refused, each with its path', () => {
  it.each([
    [`${plain}, frequency: { domains: 3 }`, 'hosts[0].frequency.domains: expected a divisor'],
    [
      `${plain}, frequency: { latency: 1 ms, halt: 2 ms }`,
      'hosts[0].frequency.halt: expected at most the latency of 1 ms, got 2 ms',
    ],
    [
      `${plain}, governor: { rule: ondemand, options: { up_threshhold: 80 } }`,
      'hosts[0].governor.options.up_threshhold',
    ],
    [`${plain}, pins: { b: 0 }`, 'hosts[0].pins: expected a VM of the workload, got "b"'],
    [`${plain}, idle: { cstates: haswell }`, 'hosts[0].idle: expected a model described by'],
    [
      'cores: 4, memory: 8 GiB, pstates: [{ speed: 1 GHz, idle: 5 W, full: 9 W, form: mse }]',
      'hosts[0].pstates[0].parameter: expected the parameter of mse, got nothing',
    ],
    ['model: xeon-e5-2650v2-x2, cores: 4', 'hosts[0].cores: expected the 16 cores'],
    [
      'cores: 2, memory: 8 GiB, pstates: [{ speed: 2 GHz, idle: 5 W, full: 9 W, ' +
        'curve: [5, 6, 6, 6, 6, 7, 7, 7, 8, 8, 9] }, { speed: 1 GHz, idle: 4 W, full: 6 W }]',
      'hosts[0].pstates[1].curve: expected a curve for every P-state',
    ],
  ])('%s', (host, message) => {
    expect(() => model(`{ ${host} }`)).toThrow(message);
  });
});
