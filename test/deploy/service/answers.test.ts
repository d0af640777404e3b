/** What the service computes, held to the twin, to the guard and to arithmetic. */
import fc from 'fast-check';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterSchema } from '../../../deploy/cluster/cluster-file.ts';
import { type SnapshotInput, snapshotSchema } from '../../../deploy/cluster/snapshot.ts';
import { guard } from '../../../deploy/control/guard/guard.ts';
import {
  decisionAnswer,
  placeAnswer,
  planAnswer,
  rescheduleAnswer,
  verdictAnswer,
  whatIfAnswer,
} from '../../../deploy/service/api/answers.ts';
import { commandsOf } from '../../../deploy/service/compute/commands.ts';
import { computerHere, computeWith } from '../../../deploy/service/compute/compute.ts';
import { stepsOf } from '../../../deploy/service/compute/decide.ts';
import { forkSearch } from '../../../deploy/service/compute/fork-search.ts';
import { guardingOf } from '../../../deploy/service/compute/questions.ts';
import { createPolicy, inputError } from '../../../sim/index.ts';
import { serviceOfTests, snapshot } from './small-cluster.ts';

let service: FastifyInstance;
beforeAll(async () => {
  service = await serviceOfTests({ requestsPerS: 1e6 });
});
afterAll(() => service.close());

const headers = { host: 'localhost', 'content-type': 'application/json' };

async function ask(kind: string, more: object = {}): Promise<unknown> {
  const answer = await service.inject({
    method: 'POST',
    url: `/v1/${kind}`,
    payload: JSON.stringify({ snapshot, ...more }),
    headers,
  });
  if (answer.statusCode !== 200) throw new Error(answer.body);
  return answer.json();
}

const issuesOf = async (kind: string, more: object): Promise<string[]> => {
  const answer = await service.inject({
    method: 'POST',
    url: `/v1/${kind}`,
    payload: JSON.stringify({ snapshot, ...more }),
    headers,
  });
  expect(answer.statusCode).toBe(422);
  return answer.json().error.issues.map(({ path }: { readonly path: string }) => path);
};

/** Power of a host of the small cluster at 2400 MHz, W. */
const powerW = (mhz: number): number => 100 + (120 * mhz) / (8 * 2400);

describe('a decision', () => {
  it('foretells what the power curves say of constant demand', async () => {
    const { before, items, nothing } = decisionAnswer.parse(
      await ask('decide', { policy: 'best-fit', budget: { migrations: 0 } }),
    );
    // Three hosts with two VMs of 1200 MHz each; the fourth is off at 5 W.
    const watts = 3 * powerW(2400) + 5;
    expect(before.meanW).toBeCloseTo(watts, 9);
    expect(before.energyJ).toBeCloseTo(watts * 360, 6);
    expect(before.powerW).toHaveLength(6);
    expect({ items, nothing }).toEqual({
      items: [],
      nothing: 'no beneficial action: the policy leaves everything as it is',
    });
  });

  it('is the same for the same question', async () => {
    const one = await ask('decide', { policy: 'thr-mmt' });
    expect(await ask('decide', { policy: 'thr-mmt' })).toEqual(one);
  });

  it('stays within the guard’s limits, and says what it forbids', async () => {
    const question = { policy: 'best-fit', horizon: 60, limits: { migrations: 4, hosts: 2 } };
    const { items, before, after } = decisionAnswer.parse(await ask('decide', question));
    const states = items.map(({ state, refusal }) => refusal?.rule ?? state);
    expect(states).toContain('planned');
    expect(states).toContain('blast-radius');
    expect(after.cost).toBeLessThan(before.cost);
  });

  it('has the horizon and weights that were asked for', async () => {
    const { before } = decisionAnswer.parse(
      await ask('decide', { horizon: 3, objective: { energy: 2, lost: 0, migration: 0 } }),
    );
    expect(before.horizonS).toBe(180);
    expect(before.cost).toBeCloseTo((2 * before.energyJ) / 3.6e6, 12);
  });

  it('without forecasts is the same but for them', async () => {
    const withThem = decisionAnswer.parse(await ask('decide', { policy: 'best-fit' }));
    const without = decisionAnswer.parse(
      await ask('decide', { policy: 'best-fit', forecasts: false }),
    );
    expect(withThem.items.some(({ forecast }) => forecast !== undefined)).toBe(true);
    expect(without.items).toEqual(withThem.items.map(({ forecast: _, ...item }) => item));
  });

  it('of a snapshot that contradicts itself is refused with the places', async () => {
    const { vms } = snapshot;
    const wrong = { ...snapshot, vms: [...vms, { ...vms[0]!, host: 'h9' }] };
    const answer = await service.inject({
      ...{ method: 'POST', url: '/v1/decide', headers },
      payload: JSON.stringify({ snapshot: wrong }),
    });
    expect(answer.statusCode).toBe(422);
    expect(answer.json().error.issues.map(({ path }: { path: string }) => path)).toEqual([
      'vms[6].name',
      'vms[6].host',
    ]);
  });

  it('names the option of a policy that is wrong', async () => {
    const policy = { name: 'best-fit', maxUtilization: 7, colour: 'red' };
    expect(await issuesOf('decide', { policy })).toEqual([
      'policy.maxUtilization',
      'policy.colour',
    ]);
  });
});

describe('the limits that hold', () => {
  const cluster = clusterSchema.parse({
    hosts: [{ name: 'h1' }],
    guard: { migrations: 3, hosts: 5, utilization: 0.8, vmCooldown: '77 s' },
  });
  const around = { nowMs: 0, commands: () => [] };

  it('are the stricter of those asked for and the cluster’s own', () => {
    const asked = { migrations: 9, hosts: 2, hostsOn: 4, utilization: 0.95, confidence: 0.1 };
    expect(guardingOf(asked, { ...around, cluster })?.limits).toMatchObject({
      ...{ migrations: 3, hosts: 2, hostsOn: 4, utilization: 0.8, confidence: 0.5 },
      ...{ vmCooldown: 77_000, hostCooldown: 600_000 },
    });
  });

  it('are the cluster’s where none are asked for, and none where there is neither', () => {
    expect(guardingOf(undefined, { ...around, cluster })?.limits.migrations).toBe(3);
    expect(guardingOf(undefined, around)).toBeUndefined();
  });
});

describe('a plan', () => {
  const question = { policy: 'best-fit', horizon: 60 };

  it('has its operations as steps with commands, each after those it relies on', async () => {
    const plan = planAnswer.parse(await ask('plan', question));
    expect(plan.steps.map(({ operation }) => operation)).toEqual(
      plan.items.filter(({ state }) => state === 'planned').map(({ operation }) => operation),
    );
    expect(plan.steps.every(({ commands }) => commands.length > 0)).toBe(true);
    const off = plan.steps.findIndex(({ operation }) => operation.type === 'sleepHost');
    const drained = plan.steps[off]!.operation as { readonly host: string };
    const moves = plan.steps.flatMap(({ operation }, index) =>
      operation.type === 'migrate' && operation.from === drained.host ? [index] : [],
    );
    expect(moves.length).toBeGreaterThan(0);
    // All moves off the host come before it is switched off: the last directly, the others through it.
    const before = new Set<number>();
    const collect = (index: number): void => {
      for (const earlier of plan.steps[index]!.after) {
        before.add(earlier);
        collect(earlier);
      }
    };
    collect(off);
    for (const move of moves) expect(before).toContain(move);
  });

  it('is kept, and the first word on it counts', async () => {
    const made = await service.inject({
      ...{ method: 'POST', url: '/v1/plan', headers },
      payload: JSON.stringify({ snapshot, ...question }),
    });
    const address = String(made.headers['location']);
    expect(made.json().state).toBe('open');
    const get = async () =>
      (await service.inject({ url: address, headers: { host: 'localhost' } })).json();
    expect(await get()).toEqual(made.json());
    const say = (word: string) =>
      service.inject({ method: 'POST', url: `${address}/${word}`, headers: { host: 'localhost' } });
    const word = verdictAnswer.parse((await say('approve')).json());
    expect(word).toMatchObject({ id: made.json().id, verdict: 'approved', by: 'http 127.0.0.1' });
    expect((await say('approve')).json()).toEqual(word);
    const other = await say('reject');
    expect([other.statusCode, other.json().error.code]).toEqual([409, 'conflict']);
    expect((await get()).state).toBe('approved');
    const { id } = made.json();
    expect(
      (
        await service.inject({
          method: 'POST',
          url: `/v1/plans/${id}x/approve`,
          headers: { host: 'localhost' },
        })
      ).statusCode,
    ).toBe(404);
  });

  it('shows the commands that the executor would run', () => {
    const cluster = clusterSchema.parse({
      hosts: [{ name: 'root@h1' }, { name: 'root@h2', wake: ['ipmitool', '-H', 'bmc'] }],
    });
    const commands = commandsOf(cluster);
    expect(
      commands({
        type: 'migrate',
        vm: 'a b',
        from: 'root@h1',
        to: 'root@h2',
        storage: 'shared',
      }).join(),
    ).toMatch(/^root@h1: virsh .*migrate.*'a b'.*qemu\+ssh:\/\//);
    expect(commands({ type: 'wakeHost', host: 'root@h2' }).join()).toContain('ipmitool');
    // A host that the cluster file does not name has none.
    const away = { type: 'migrate', vm: 'a', from: 'root@h1', to: 'h9', storage: 'none' } as const;
    expect(commands(away).join()).toMatch(/^# h9: the cluster file has no host/);
  });

  it('without a cluster file shows those of one that says nothing', () => {
    const text = commandsOf(undefined)({ type: 'setFrequency', host: 'h1', khz: 1_200_000 }).join(
      '\n',
    );
    expect(text).toContain('1200000');
  });

  it('has steps in which nothing that shares a host or VM is unordered', () => {
    const names = ['h1', 'h2', 'h3'];
    const operation = fc.oneof(
      fc.record({ type: fc.constant('wakeHost' as const), host: fc.constantFrom(...names) }),
      fc
        .tuple(fc.constantFrom('a', 'b'), fc.constantFrom(...names), fc.constantFrom(...names))
        .map(([vm, from, to]) => ({
          type: 'migrate' as const,
          vm,
          from,
          to,
          storage: 'none' as const,
        })),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 12 }), (operations) => {
        const steps = stepsOf(operations, () => []);
        // Reachability by repeated union, independent of how `after` was found.
        const before = steps.map(() => new Set<number>());
        steps.forEach(({ after }, index) => {
          for (const one of after) {
            expect(one).toBeLessThan(index);
            before[index]!.add(one);
            for (const further of before[one]!) before[index]!.add(further);
          }
        });
        const touched = operations.map((one) =>
          one.type === 'wakeHost' ? [one.host] : [one.from, one.to, one.vm],
        );
        touched.forEach((things, later) => {
          for (let earlier = 0; earlier < later; earlier++) {
            if (things.some((thing) => touched[earlier]!.includes(thing))) {
              expect(before[later]).toContain(earlier);
            }
          }
        });
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe('a placement', () => {
  const vm = { vcpus: 2, memoryBytes: 4 * 2 ** 30, demandMhz: 2400 };

  it('tells what the VM adds, by the power curves', async () => {
    const { hosts, out } = placeAnswer.parse(await ask('place', { vm }));
    expect(out).toEqual([]);
    expect(hosts.map(({ host, wake }) => [host, wake])).toEqual([
      ['h1', false],
      ['h2', false],
      ['h3', false],
      ['h4', true],
    ]);
    for (const { estimatedW, energyJ, lostVcpuS, addedUtilization } of hosts.slice(0, 3)) {
      expect(estimatedW).toBeCloseTo(powerW(4800) - powerW(2400), 9);
      expect(energyJ).toBeCloseTo((powerW(4800) - powerW(2400)) * 360, 6);
      expect(lostVcpuS).toBe(0);
      expect(addedUtilization).toBeCloseTo(2400 / (8 * 2400), 9);
    }
    // It waits 120 s for the host that boots, and one vCPU's worth of work is lost in each of them.
    expect(hosts[3]!.lostVcpuS).toBeCloseTo(120, 6);
  });

  it('names why hosts are out', async () => {
    const busy: SnapshotInput = {
      ...snapshot,
      hosts: snapshot.hosts.map((host) =>
        host.name === 'h1'
          ? { ...host, acceptsVms: false }
          : host.name === 'h4'
            ? { ...host, canSleep: false }
            : host,
      ),
      vms: snapshot.vms.map((one) =>
        one.name === 'c' ? { ...one, memoryBytes: 26 * 2 ** 30 } : one,
      ),
    };
    const { hosts, out } = placeAnswer.parse(
      await ask('place', { snapshot: busy, vm: { ...vm, apart: ['e'] } }),
    );
    expect(hosts).toEqual([]);
    expect(out.map(({ host, rule }) => [host, rule])).toEqual([
      ['h1', 'available'],
      ['h2', 'memory'],
      ['h3', 'affinity'],
      ['h4', 'available'],
    ]);
  });

  it('simulates as many hosts as it is told, those with the least estimated power', async () => {
    const { hosts, others } = placeAnswer.parse(await ask('place', { vm, candidates: 1 }));
    expect(hosts).toHaveLength(1);
    expect(others.map(({ host }) => host)).toEqual(['h2', 'h3', 'h4']);
  });

  it('of a VM that is there already is refused', async () => {
    expect(await issuesOf('place', { vm: { ...vm, name: 'a' } })).toEqual(['body.vm.name']);
  });
});

describe('a what-if', () => {
  it('carries out what can be and names what cannot', async () => {
    const operations = [
      { type: 'migrate', vm: 'a', from: 'h1', to: 'h2' },
      { type: 'migrate', vm: 'a', from: 'h1', to: 'h2' },
      { type: 'migrate', vm: 'b', from: 'h1', to: 'h4' },
      { type: 'migrate', vm: 'nobody', from: 'h1', to: 'h2' },
      { type: 'sleepHost', host: 'h1', to: 'S5' },
      { type: 'setMemory', vm: 'c', host: 'h2', bytes: 1 },
      { type: 'wakeHost', host: 'h4' },
      { type: 'setFrequency', host: 'h3', khz: 1_200_000 },
    ];
    const { items, before, after } = whatIfAnswer.parse(await ask('whatif', { operations }));
    expect(items.map(({ state, refusal }) => refusal?.rule ?? state)).toEqual([
      ...['planned', 'known', 'available', 'known', 'empty', 'simulated', 'planned', 'planned'],
    ]);
    const h3 = (of: typeof before): number => of.hosts[2]!.meanW;
    expect(h3(before)).toBeCloseTo(powerW(2400), 9);
    // 2 × 1200 of 8 × 1200 MHz at 80 to 130 W.
    expect(h3(after)).toBeCloseTo(80 + 50 / 4, 9);
  });

  it('of nothing changes nothing', async () => {
    const { before, after } = whatIfAnswer.parse(await ask('whatif', { operations: [] }));
    expect(after).toEqual(before);
  });

  it.each([
    [{ type: 'explode', host: 'h1' }],
    [{ type: 'wakeHost' }],
    [{ type: 'wakeHost', host: 'h1', colour: 'red' }],
    [{ type: 'pinVcpus', vm: 'a', host: 'h1', cpus: ['0;reboot'] }],
  ])('of %j is refused', async (operation) => {
    expect((await issuesOf('whatif', { operations: [operation] }))[0]).toMatch(
      /^body\.operations\[0\]/,
    );
  });
});

describe('rescheduling', () => {
  const moved = (answer: {
    readonly moves: readonly { readonly operation: { readonly type: string } }[];
  }) => answer.moves.filter(({ operation }) => operation.type === 'migrate').length;

  it.each([
    [0, 3],
    [1, 3],
    [2, 2],
    [3, 2],
    [4, 1],
  ])('packs with %i moves on %i hosts, which is the fewest possible', async (migrations, used) => {
    const answer = rescheduleAnswer.parse(await ask('reschedule', { migrations, goal: 'pack' }));
    expect(answer.hostsUsed).toEqual({ before: 3, after: used });
    expect(moved(answer)).toBe(2 * (3 - used));
    expect(answer.emptied).toHaveLength(3 - used);
  });

  it('for energy is never worse than doing nothing', async () => {
    for (const horizon of [1, 2, 6, 24]) {
      const answer = rescheduleAnswer.parse(await ask('reschedule', { migrations: 4, horizon }));
      expect(answer.after.cost).toBeLessThanOrEqual(answer.before.cost);
      expect(answer.left).toEqual([]);
    }
  });

  it('gives moves that the guard lets through one after the other, whatever the cluster', async () => {
    const small = fc.record({
      hosts: fc.integer({ min: 2, max: 6 }),
      vms: fc.array(
        fc.record({ at: fc.nat(5), gib: fc.integer({ min: 1, max: 12 }), mhz: fc.nat(4000) }),
        {
          maxLength: 14,
        },
      ),
      migrations: fc.nat(6),
      goal: fc.constantFrom('pack', 'energy'),
    });
    await fc.assert(
      fc.asyncProperty(small, async ({ hosts, vms, migrations, goal }) => {
        const free = Array(hosts).fill(32);
        const placed = vms.flatMap(({ at, gib, mhz }, index) => {
          const host = at % hosts;
          if (free[host] < gib) return [];
          free[host] -= gib;
          return [
            {
              ...{ name: `v${index}`, host: `h${host}`, vcpus: 2, memoryBytes: gib * 2 ** 30 },
              demandMhz: [mhz],
            },
          ];
        });
        const cluster: SnapshotInput = {
          ...snapshot,
          hosts: Array.from({ length: hosts }, (_, host) => ({
            ...snapshot.hosts[0]!,
            name: `h${host}`,
          })),
          vms: placed,
        };
        const answer = rescheduleAnswer.parse(
          await ask('reschedule', { snapshot: cluster, migrations, goal, horizon: 2 }),
        );
        expect(moved(answer)).toBeLessThanOrEqual(migrations);
        const operations = answer.moves.map(({ operation }) => operation) as Parameters<
          typeof guard
        >[0];
        const limits = {
          ...{ migrations, hosts: Infinity, hostsOn: 0, vmCooldown: 0, hostCooldown: 0 },
          ...{ utilization: 1, confidence: 0 },
        };
        const past = { movedMs: new Map(), powerMs: new Map() };
        const refusals = guard(operations, snapshotSchema.parse(cluster), limits, past, 0);
        expect(refusals.filter((refusal) => refusal !== undefined)).toEqual([]);
        expect(answer.hostsUsed.after).toBeLessThanOrEqual(answer.hostsUsed.before);
      }),
      { seed: 11, numRuns: 60 },
    );
  });

  it('asks whichever planner it is given', async () => {
    const planner = {
      name: 'stubborn',
      plan: () => [
        { type: 'migrate', vm: 'a', from: 'h1', to: 'h4', storage: 'none' } as const,
        { type: 'migrate', vm: 'b', from: 'h1', to: 'h2', storage: 'none' } as const,
      ],
    };
    const computer = computerHere(
      computeWith({ policyOf: () => createPolicy('none', ''), planner, commands: () => [] }),
    );
    const body = new TextEncoder().encode(JSON.stringify({ snapshot, migrations: 5 }));
    const { text } = await computer.ask(
      { kind: 'reschedule', body, nowMs: 0 },
      new AbortController().signal,
    );
    const answer = rescheduleAnswer.parse(JSON.parse(text));
    expect(answer.planner).toBe('stubborn');
    expect(answer.moves.map(({ what }) => what)).toEqual(['migrate b from h1 to h2']);
    expect(answer.left).toMatchObject([{ rule: 'available', reason: 'h4 is not on' }]);
  });
});

describe('a computer', () => {
  it('answers whatever happens: input errors with issues, others without their inside', () => {
    const failing = (error: Error) =>
      computeWith({
        policyOf: () => {
          throw error;
        },
        planner: forkSearch,
        commands: () => [],
      })({
        kind: 'decide',
        body: new TextEncoder().encode(JSON.stringify({ snapshot })),
        nowMs: 0,
      });
    expect(failing(inputError('here', 'this', 'that'))).toEqual({
      status: 422,
      text: '{"error":{"code":"invalid","message":"the request cannot be used","issues":[{"path":"here","expected":"this","got":"that"}]}}',
    });
    const inside = failing(new TypeError('the inside'));
    expect(inside.status).toBe(500);
    expect(inside.text).not.toContain('inside');
    expect(inside.failure).toContain('the inside');
  });
});
