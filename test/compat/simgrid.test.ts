/** The twin against SimGrid 3.32's own results, and against the plain fluid model. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { simulateFluid } from '../../scripts/docs/referees/fluid-simulator.ts';
import { randomScenario } from '../../scripts/docs/referees/random-scenario.ts';
import { referee } from '../../scripts/referee-simgrid.ts';
import {
  parseSimGridScenario,
  runSimGrid,
  runSimGridScenario,
  type SimGridResult,
  type SimGridScenario,
} from '../../sim/compat/simgrid/index.ts';
import { InputError } from '../../sim/index.ts';
import { describeWithReference, referencePath } from '../reference-data.ts';

/** As stored: SimGrid's transcripts, or where it has bugs what its model gives. */
interface Expected extends Partial<SimGridResult> {
  readonly completion: Readonly<Record<string, number>>;
  readonly energy_J: Readonly<Record<string, number>>;
}

const simGridPath = (kind: 'scenarios' | 'expected', name: string): string =>
  referencePath('reference', 'simgrid', kind, `${name}.json`);

function readExpected(name: string): Expected {
  return JSON.parse(readFileSync(simGridPath('expected', name), 'utf8')) as Expected;
}

function readScenario(name: string): ReturnType<typeof parseSimGridScenario> {
  const path = simGridPath('scenarios', name);
  return parseSimGridScenario(readFileSync(path, 'utf8'), path);
}

function runNamed(name: string): SimGridResult {
  const scenario = readScenario(name);
  if ('generator' in scenario) throw new Error(`${name} is a generator`);
  return runSimGridScenario(scenario);
}

/** Largest relative difference of the values under equal keys; Infinity when a key is missing. */
function worstRelative(
  ours: Readonly<Record<string, number>>,
  theirs: Readonly<Record<string, number>>,
): number {
  const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  const errors = keys.map((key) => {
    const error = Math.abs((ours[key] ?? Infinity) - (theirs[key] ?? -Infinity));
    return error === 0 ? 0 : error / Math.abs(theirs[key] ?? 1);
  });
  return Math.max(0, ...errors);
}

/** Largest absolute difference, the same way. */
function worstAbsolute(
  ours: Readonly<Record<string, number>>,
  theirs: Readonly<Record<string, number>>,
): number {
  const keys = [...new Set([...Object.keys(ours), ...Object.keys(theirs)])];
  return Math.max(
    0,
    ...keys.map((key) => Math.abs((ours[key] ?? Infinity) - (theirs[key] ?? -Infinity))),
  );
}

/** Dates of everything that has one, by what it is. */
function datesOf(result: Partial<SimGridResult>): Record<string, number> {
  const dates: Record<string, number> = {};
  for (const { task, phase, start, end } of result.task_phases ?? []) {
    dates[`${task} ${phase} starts`] = start;
    dates[`${task} ${phase} ends`] = end;
  }
  for (const migration of result.migrations ?? []) {
    const { vm, src, dst, call } = migration;
    dates[`${vm} leaves ${src}`] = call;
    dates[`${vm} reaches ${dst}`] = migration.return;
  }
  for (const { t, event, vm, pm } of result.vm_events ?? []) dates[`${vm} ${event} ${pm}`] = t;
  for (const { host, type, start, end } of result.power ?? []) {
    dates[`${host} ${type} starts`] = start;
    dates[`${host} ${type} ends`] = end;
  }
  return dates;
}

/** Parts that hold the dates of a transcript which has them. */
function withDatesOf(ours: SimGridResult, theirs: Expected): Partial<SimGridResult> {
  const keys = ['task_phases', 'migrations', 'vm_events', 'power'] as const;
  return Object.fromEntries(keys.filter((key) => theirs[key]).map((key) => [key, ours[key]]));
}

function expectClose(ours: SimGridResult, theirs: Expected, energy: number, dateS: number): void {
  expect(worstRelative(ours.energy_J, theirs.energy_J)).toBeLessThanOrEqual(energy);
  expect(worstAbsolute(ours.completion, theirs.completion)).toBeLessThanOrEqual(dateS);
  expect(worstAbsolute(datesOf(withDatesOf(ours, theirs)), datesOf(theirs))).toBeLessThanOrEqual(
    dateS,
  );
  expect(ours.samples.length).toBe(theirs.samples?.length);
  ours.samples.forEach((sample, index) => {
    const their = theirs.samples?.[index];
    expect(Math.abs(sample.t - (their?.t ?? Infinity))).toBeLessThanOrEqual(1e-9);
    expect(worstRelative(sample.energy_J, their?.energy_J ?? {})).toBeLessThanOrEqual(energy);
  });
  // Loops of 1e15 flop keep their remaining work to 1/8 flop only.
  expect(worstRelative(ours.flops_done, theirs.flops_done ?? {})).toBeLessThanOrEqual(1e-11);
}

describeWithReference("SimGrid 3.32's results", () => {
  it('frequency changes and multi-threaded tasks: energy to 1e-15, dates to 1e-13 s', () => {
    expectClose(runNamed('S1_dvfs'), readExpected('S1_dvfs'), 1e-15, 1e-13);
    const changes = (result: Expected): unknown => result.pstate_changes;
    expect(changes(runNamed('S1_dvfs'))).toEqual(changes(readExpected('S1_dvfs')));
  });

  it('governors make the same 27 changes and use the same energy to 1e-14', () => {
    const ours = runNamed('S1g_governors');
    const theirs = readExpected('S1g_governors');
    expectClose(ours, theirs, 1e-14, 1e-12);
    // Their list also has the first call on two hosts that changes nothing.
    const real = (theirs.pstate_changes ?? []).filter(
      ({ host }) => host !== '__ctl' && host !== 'h_performance',
    );
    expect(ours.pstate_changes.length).toBe(27);
    expect(real.length).toBe(27);
    ours.pstate_changes.forEach((change, index) => {
      const their = real[index];
      expect([change.host, change.pstate]).toEqual([their?.host, their?.pstate]);
      expect(Math.abs(change.t - (their?.t ?? 0))).toBeLessThanOrEqual(1e-12);
    });
  });

  it('sharing on two levels: energy to 1e-15, dates to 1e-13 s', () => {
    expectClose(runNamed('S2_sharing'), readExpected('S2_sharing'), 1e-15, 1e-13);
  });

  it('six migrations over one link, a host switched off and on: energy to 2e-15', () => {
    expectClose(runNamed('S3_migration'), readExpected('S3_migration'), 2e-15, 1e-11);
  });

  it('the same over TCP with 0.5 ms and acknowledgements: energy to 1e-12', () => {
    const scenario = readScenario('S3_migration') as SimGridScenario;
    const links = [{ name: 'backbone', bandwidth: 625e6, latency: 0.0005 }];
    const network = {
      ...scenario.network!,
      model: 'LV08' as const,
      crosstraffic: 1 as const,
      links,
    };
    const result = runSimGridScenario({ ...scenario, network });
    const theirs = {
      h0: 1530079.715382157,
      h1: 1803081.4919359977,
      h2: 965994.1295946386,
      h3: 646175.4404955151,
    };
    expect(worstRelative(result.energy_J, theirs)).toBeLessThanOrEqual(1e-12);
    expect(result.completion['job2']).toBeCloseTo(2822.359893204232, 9);
  });

  it('pre-copy alone: energy to 1e-10, dates to 1e-6 s (a byte more or less in a round)', () => {
    expectClose(runNamed('S5_precopy'), readExpected('S5_precopy'), 1e-10, 1e-6);
    const rounds = readExpected('S5_precopy.rounds').migrations ?? [];
    runNamed('S5_precopy').migrations.forEach((migration, index) => {
      const theirs = rounds[index]?.rounds ?? [];
      expect(migration.rounds.map(([stage]) => stage)).toEqual(theirs.map(([stage]) => stage));
      migration.rounds.forEach(([, bytes], round) => {
        expect(Math.abs(bytes - (theirs[round]?.[1] ?? 0))).toBeLessThanOrEqual(10);
      });
    });
  });

  it("where SimGrid has bugs: its model's answers, energy to 1e-15", () => {
    const ours = runNamed('S6_quirks');
    const theirs = readExpected('S6_quirks.ideal');
    expectClose(ours, theirs, 1e-15, 1e-11);
    expect(ours.pstate_changes).toEqual(theirs.pstate_changes);
  });

  it.each(['S4_100x1000', 'S4_800x1052'])(
    '%s: every host has the same energy to the last bit',
    (name) => {
      const ours = runSimGrid(readScenario(name));
      const theirs = readExpected(name);
      expect(ours.energy_J).toEqual(theirs.energy_J);
      expect(ours.energy_total_J).toBe(theirs.energy_total_J);
    },
  );

  it('the referee prints each scenario as one JSON object', () => {
    const directory = referencePath('reference', 'simgrid', 'scenarios');
    for (const file of readdirSync(directory)) {
      const printed = JSON.parse(referee([`${directory}/${file}`])) as Partial<SimGridResult>;
      expect(printed.energy_total_J).toBeGreaterThan(0);
    }
  });
});

describe('the plain fluid model', () => {
  const seeds = Array.from({ length: 250 }, (_, seed) => seed);
  let migrations = 0;

  it('agrees on random scenarios: energy to 1e-11, dates to 1e-8 s', () => {
    for (const seed of seeds) {
      const scenario = randomScenario(seed);
      const ours = runSimGridScenario(scenario);
      const fluid = simulateFluid(scenario);
      migrations += ours.migrations.length;
      const where = `seed ${seed}`;
      expect(worstRelative(ours.energy_J, fluid.energyJ), where).toBeLessThan(1e-11);
      expect(worstAbsolute(ours.completion, fluid.completion), where).toBeLessThan(1e-8);
      ours.samples.forEach(({ energy_J }, index) => {
        expect(worstAbsolute(energy_J, fluid.samples[index] ?? {}), where).toBeLessThan(1e-5);
      });
      const flops = worstAbsolute(ours.flops_done, fluid.flops);
      expect(flops, where).toBeLessThan(100);
      const arrivals = (list: readonly { vm: string; call: number; return: number }[]) =>
        Object.fromEntries(
          list.map((migration) => [`${migration.vm} ${migration.call}`, migration.return]),
        );
      expect(
        worstAbsolute(arrivals(ours.migrations), arrivals(fluid.migrations)),
        where,
      ).toBeLessThan(1e-8);
      expect(ours.pstate_changes.map(({ host, pstate }) => [host, pstate]).sort(), where).toEqual(
        fluid.pstates.map(({ host, pstate }) => [host, pstate]).sort(),
      );
    }
    expect(migrations).toBeGreaterThan(50);
  });
});

const core = { speed: 1e9, idle: 50, epsilon: 60, max: 100 };
const small = {
  name: 'small',
  end: 10,
  hosts: [
    { name: 'a', cores: 4, pstates: [core] },
    { name: 'b', cores: 4, pstates: [core], initially_on: false },
  ],
};

/** Messages of the issues that a scenario has. */
function issuesOf(scenario: object): string[] {
  try {
    parseSimGridScenario(JSON.stringify(scenario), 'f');
  } catch (error) {
    if (error instanceof InputError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('a scenario that cannot be', () => {
  it('is refused with every issue at once', () => {
    const issues = issuesOf({
      ...small,
      colour: 1,
      hosts: [{ name: 'a', cores: 0, pstates: [] }],
      vms: [{ name: 'v', host: 'a', cores: 1, ram_bytes: -1 }],
      end: null,
    });
    expect(issues.map((issue) => issue.split(':')[1]?.trim()).sort()).toEqual([
      'colour',
      'end',
      'hosts[0].cores',
      'hosts[0].pstates',
      'vms[0].ram_bytes',
    ]);
  });

  it.each<[string, object, string]>([
    ['no hosts', { hosts: [] }, 'hosts: expected at least 1 item(s)'],
    [
      'two hosts of one name',
      { hosts: [small.hosts[0], small.hosts[0]] },
      'hosts[1].name: expected a name other than that of hosts[0].name, got "a"',
    ],
    [
      'a VM with the name of a host',
      { vms: [{ name: 'a', host: 'a', cores: 1 }] },
      'vms[0].name: expected a name other than that of hosts[0].name, got "a"',
    ],
    [
      'a VM on no host',
      { vms: [{ name: 'v', host: 'z', cores: 1 }] },
      'vms[0].host: expected one of a, b, got "z"',
    ],
    [
      'a VM on a host that is off',
      { vms: [{ name: 'v', host: 'b', cores: 1 }] },
      'vms[0].host: expected a host that is on from the start, got "b"',
    ],
    [
      'a task twice',
      { tasks: [0, 1].map(() => ({ id: 't', on: 'a', phases: [] })) },
      'tasks[1].id: expected a name other than that of tasks[0].id, got "t"',
    ],
    [
      'a phase that is two things',
      { tasks: [{ id: 't', on: 'a', phases: [{ flops: 1, sleep: 1 }] }] },
      'tasks[0].phases[0]: expected exactly one of flops, sleep and sleep_until',
    ],
    [
      'a task without work',
      { tasks: [{ id: 't', on: 'a' }] },
      'tasks[0]: expected either phases or background_threads',
    ],
    [
      'a priority of 0',
      { tasks: [{ id: 't', on: 'a', phases: [{ flops: 1, priority: 0 }] }] },
      'tasks[0].phases[0].priority: expected a number above 0, got 0',
    ],
    [
      'a P-state that is not there',
      { events: [{ t: 1, type: 'pstate', host: 'a', pstate: 1 }] },
      'events[0].pstate: expected a P-state from 0 to 0, got 1',
    ],
    [
      'an unknown event',
      { events: [{ t: 1, type: 'explode', host: 'a' }] },
      'expected an event with type pstate, vm_bound, migrate, power_off or power_on',
    ],
    [
      'a move of a VM that is not there',
      { events: [{ t: 1, type: 'migrate', vm: 'v', dst: 'a' }] },
      'events[0].vm: expected none, there is none, got "v"',
    ],
    [
      'a route over an unknown link',
      { network: { links: [], routes: [{ src: 'a', dst: 'b', links: ['l'] }] } },
      'network.routes[0].links[0]: expected none, there is none, got "l"',
    ],
    ['a negative date', { sample_times: [-1] }, 'sample_times[0]: expected a number of at least 0'],
  ])('%s', (_, change, message) => {
    expect(issuesOf({ ...small, ...change }).join('\n')).toContain(message);
  });

  it('and text that is no JSON or a number too large', () => {
    expect(() => parseSimGridScenario('{', 'f')).toThrow('f: expected valid JSON');
    const text = JSON.stringify(small).replace('"end":10', '"end":1e400');
    expect(() => parseSimGridScenario(text, 'f')).toThrow('end: expected');
  });

  it('and a migration without a route, when its time comes', () => {
    const scenario = parseSimGridScenario(
      JSON.stringify({
        ...small,
        hosts: small.hosts.map((host) => ({ ...host, initially_on: true })),
        vms: [{ name: 'v', host: 'a', cores: 1 }],
        events: [{ t: 1, type: 'migrate', vm: 'v', dst: 'b' }],
      }),
      'f',
    );
    expect(() => runSimGrid(scenario)).toThrow(
      'events[0]: expected a route from a to b in network.routes, got none',
    );
  });
});

it('events that cannot be carried out are listed with the reason', () => {
  const scenario = parseSimGridScenario(
    JSON.stringify({
      ...small,
      events: [
        { t: 1, type: 'power_on', host: 'a' },
        { t: 2, type: 'power_off', host: 'b' },
      ],
    }),
    'f',
  );
  expect((runSimGrid(scenario) as SimGridResult).refused).toEqual([
    { event: 0, t: 1, reason: 'the host is on' },
    { event: 1, t: 2, reason: 'the host is off' },
  ]);
});

it('switching a host off ends what runs on it; it comes back with the P-state it had', () => {
  // a: 4 cores at 1 Gflop/s, 50/60/100 W; 5 s of work on one core, off at 3 s after 2 s at half
  // speed, on again at 7 s.
  const half = { speed: 0.5e9, idle: 40, epsilon: 45, max: 85 };
  const scenario = parseSimGridScenario(
    JSON.stringify({
      name: 'switch',
      end: 10,
      hosts: [
        {
          name: 'a',
          cores: 4,
          pstates: [core, half],
          watts_off: 3,
          shutdown: { pstate: 1, duration: 2 },
        },
      ],
      vms: [{ name: 'v', host: 'a', cores: 1 }],
      tasks: [
        { id: 't', on: 'a', phases: [{ flops: 5e9 }] },
        { id: 'asleep', on: 'v', phases: [{ sleep: 6 }, { flops: 1e9 }] },
        { id: 'later', on: 'a', start: 8, phases: [{ flops: 1e9 }] },
        { id: 'lost', on: 'v', start: 8, phases: [{ flops: 1e9 }] },
      ],
      events: [
        { t: 1, type: 'power_off', host: 'a' },
        { t: 7, type: 'power_on', host: 'a' },
      ],
    }),
    'f',
  );
  const result = runSimGrid(scenario) as SimGridResult;
  expect(result.completion).toEqual({ later: 9 });
  expect(result.flops_done).toEqual({ asleep: 0, later: 1e9, lost: 0, t: 1e9 + 2 * 0.5e9 });
  expect(result.pstate_changes).toEqual([
    { t: 1, host: 'a', pstate: 1 },
    { t: 3, host: 'a', pstate: 0 },
  ]);
  // One core of four busy: 60 + 40 / 4 = 70 W, then 45 + 40 / 4 = 55 W; off 3 W; idle 50 W.
  expect(result.energy_J['a']).toBeCloseTo(70 + 2 * 55 + 4 * 3 + 50 + 70 + 50, 9);
});
