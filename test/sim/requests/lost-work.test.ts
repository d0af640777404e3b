/** What of requests counts as work that was not delivered. */
import { describe, expect, it } from 'vitest';
import { type ApplicationSpec, advance, summarize } from '../../../sim/index.ts';
import { operationWorkMi } from '../../../sim/requests/lost-work.ts';
import { startTwin } from '../../builders.ts';

const constant = (mean: number) => ({ type: 'constant' as const, mean });
const service = (name: string, replicas: readonly number[], mean: number) => ({
  name,
  replicas,
  variants: [{ name: 'only', demand: constant(mean) }],
});

it('the work of a request is its own and that of its calls, as often as they are made', () => {
  const services = [
    { ...service('web', [0], 5), steps: [{ parallel: true, calls: [{ service: 1, count: 1.5 }] }] },
    {
      ...service('catalogue', [1], 4),
      steps: [{ parallel: false, calls: [{ service: 2, count: 2 }] }],
    },
    service('store', [2], 1),
  ];
  const work = (more: object): number =>
    operationWorkMi({ services }, { name: 'browse', share: 1, service: 0, ...more });
  expect(work({})).toBe(5 + 1.5 * (4 + 2 * 1));
  expect(work({ demand: constant(8) })).toBe(8 + 1.5 * 6);
  expect(work({ miss: { probability: 0.25, demand: constant(9) } })).toBe(0.75 * 5 + 0.25 * 9 + 9);
});

describe('a VM of 1000 MIPS that is asked for 2 MIPS·s every 4 ms', () => {
  const application = (more: Partial<ApplicationSpec> = {}): ApplicationSpec => ({
    name: 'a',
    arrivals: { type: 'regular', perS: 250 },
    services: [{ ...service('one', [0], 2), queueMax: 4 }],
    ...more,
  });
  const run = (coreMips: number, more: Partial<ApplicationSpec> = {}) => {
    const twin = startTwin({
      hosts: [{ cores: 1, coreMips }],
      vms: [{ vcpus: 1, host: 0 }],
      applications: [application(more)],
    });
    advance(twin, 100_000);
    return summarize(twin);
  };

  it('loses nothing at 600 MIPS: every answer takes 3.33 ms instead of 2', () => {
    const { summary, cost } = run(600);
    expect(summary.applications![0]!.latencyMs.mean).toBeCloseTo(2 / 0.6, 1);
    expect([cost.lostVcpuHours, summary.unservedFraction, summary.slatah]).toEqual([0, 0, 0]);
  });

  it('loses at 400 MIPS the fifth of its requests that is turned away', () => {
    const { summary, cost } = run(400);
    const { begun, rejected } = summary.applications![0]!;
    expect(rejected / begun).toBeCloseTo(0.2, 2);
    expect(cost.lostVcpuHours).toBeCloseTo((rejected * 0.002) / 3600, 12);
    expect(summary.unservedFraction).toBeCloseTo(rejected / begun, 12);
  });

  it('loses at 600 MIPS what is late', () => {
    const { summary, cost } = run(600, { timeoutMs: 3 });
    expect(summary.applications![0]!.late).toBe(summary.applications![0]!.completed);
    expect(cost.lostVcpuHours).toBeCloseTo((25_000 * 0.002) / 3600, 5);
  });
});
