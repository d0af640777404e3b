import { describe, expect, test } from 'vitest';
import type { Executor } from '../../../deploy/actions/executor.ts';
import type { Operation } from '../../../deploy/actions/operation.ts';
import { carryOut } from '../../../deploy/control/carry-out.ts';
import { reconcile } from '../../../deploy/control/reconcile.ts';
import type { Decision, Prediction } from '../../../deploy/decision.ts';
import type { Entry } from '../../../deploy/journal/record.ts';
import { type OperationCode, OperationError } from '../../../deploy/operation-error.ts';

const nothing: Prediction = {
  horizonS: 10,
  energyJ: 0,
  meanW: 0,
  powerW: [0],
  lostVcpuS: 0,
  cost: 0,
  hosts: [],
};

function decisionOf(...operations: Operation[]): Decision {
  return {
    id: 'd-1',
    atMs: 0,
    mode: 'act',
    policy: 'test',
    before: nothing,
    after: nothing,
    items: operations.map((operation) => ({ operation, state: 'planned' })),
    state: 'running',
  };
}

const slow = (host: string): Operation => ({ type: 'setFrequency', host, khz: 1_000_000 });
const move = (vm: string, from: string, to: string): Operation => ({
  type: 'migrate',
  vm,
  from,
  to,
  storage: 'none',
});

/** What happened, in order: journal entries and calls of the executor in one list. */
function stage(failures: Readonly<Record<string, OperationCode>> = {}, done: string[] = []) {
  const story: string[] = [];
  const entries: Entry[] = [];
  const nameOf = (operation: Operation): string =>
    'vm' in operation ? operation.vm : operation.host;
  const executor: Executor = {
    commands: () => [],
    prepare: (operation) => {
      story.push(`look ${nameOf(operation)}`);
      return Promise.resolve({ operation, isDone: done.includes(nameOf(operation)), undo: [] });
    },
    apply: ({ operation }) => {
      const name = nameOf(operation);
      story.push(`do ${name}`);
      const code = failures[name];
      if (code !== undefined)
        return Promise.reject(new OperationError(code, name, `${name} broke`));
      done.push(name);
      return Promise.resolve({ elapsedMs: 5, didChange: true });
    },
  };
  const journal = {
    append(entry: Entry): number {
      story.push(`write ${entry.kind}`);
      return entries.push(entry);
    },
  };
  return { story, entries, executor, journal, stop: () => undefined as string | undefined };
}

const states = ({ decision }: { decision: Decision }): string[] =>
  decision.items.map(({ state }) => state);

describe('carrying out', () => {
  test('writes each intent before it acts, and the end after', async () => {
    const { story, ...context } = stage();
    const result = await carryOut(decisionOf(slow('a'), slow('b')), context);
    expect(states(result)).toEqual(['done', 'done']);
    expect(result.decision.state).toBe('done');
    const one = (host: string) => [`look ${host}`, 'write intent', `do ${host}`, 'write done'];
    expect(story).toEqual([...one('a'), ...one('b')]);
  });

  test('does nothing about what is so already', async () => {
    const { story, ...context } = stage({}, ['a']);
    const result = await carryOut(decisionOf(slow('a')), context);
    expect(result.decision.items[0]!.effect).toEqual({ elapsedMs: 0, didChange: false });
    expect(story).toEqual(['look a']);
  });

  test('after a failure leaves out what lies on the same hosts, and does the rest', async () => {
    const context = stage({ x: 'ERR_TIMEOUT' });
    const plan = decisionOf(
      move('x', 'a', 'b'),
      move('y', 'a', 'c'),
      { type: 'sleepHost', host: 'a', to: 'S5' },
      slow('d'),
    );
    const result = await carryOut(plan, context);
    expect(states(result)).toEqual(['failed', 'skipped', 'skipped', 'done']);
    expect(result.decision.state).toBe('failed');
    expect(result.decision.items[0]!.error).toEqual({ code: 'ERR_TIMEOUT', message: 'x broke' });
    expect(result.decision.items[1]!.refusal!.reason).toContain('migrate x from a to b');
    expect(result.halt).toBeUndefined();
    expect(context.entries.map(({ kind }) => kind)).toEqual(['intent', 'failed', 'intent', 'done']);
  });

  test('stops everything when a VM is lost', async () => {
    const context = stage({ x: 'ERR_VM_LOST' as OperationCode });
    const result = await carryOut(decisionOf(move('x', 'a', 'b'), slow('d')), context);
    expect(states(result)).toEqual(['failed', 'skipped']);
    expect(result.halt).toContain('x broke');
  });

  test('does nothing when the intent cannot be written', async () => {
    const { story, ...context } = stage();
    const journal = {
      append: (): number => {
        throw new OperationError('ERR_JOURNAL', '', 'no space left on the disk');
      },
    };
    const plan = decisionOf(slow('a'), slow('b'));
    await expect(carryOut(plan, { ...context, journal })).rejects.toThrow(/no space left/);
    expect(story).toEqual(['look a']);
  });

  test('asks before every item whether to go on', async () => {
    const context = stage();
    let asked = 0;
    const result = await carryOut(decisionOf(slow('a'), slow('b')), {
      ...context,
      stop: () => (asked++ === 0 ? undefined : 'the file STOP exists'),
    });
    expect(states(result)).toEqual(['done', 'skipped']);
    expect(result.decision.items[1]!.refusal).toEqual({
      rule: 'stopped',
      reason: 'the file STOP exists',
    });
  });

  test('leaves refused items alone', async () => {
    const { story, ...context } = stage();
    const plan = decisionOf(slow('a'));
    const refusal = { rule: 'cpu', reason: 'too much' };
    const refused: Decision = {
      ...plan,
      items: [{ ...plan.items[0]!, state: 'refused', refusal }],
    };
    const result = await carryOut(refused, context);
    expect(result.decision).toEqual({ ...refused, state: 'done' });
    expect(story).toEqual([]);
  });
});

describe('after a killed controller', () => {
  test('each open intent is closed by how the world is, and nothing is done again', async () => {
    const { story, entries, executor, journal } = stage({}, ['a']);
    const open = [
      { seq: 7, operation: slow('a') },
      { seq: 9, operation: slow('b') },
    ];
    const notes = await reconcile(open, executor, journal);
    expect(entries).toEqual([
      { kind: 'done', intent: 7, effect: { elapsedMs: 0, didChange: true } },
      {
        kind: 'failed',
        intent: 9,
        code: 'ERR_INTERRUPTED',
        message: 'the controller ended before it was done',
      },
    ]);
    expect(notes.map((note) => note.split(': ').at(-1))).toEqual([
      'set a to 1000 MHz',
      'set b to 1000 MHz',
    ]);
    expect(story.filter((line) => line.startsWith('do'))).toEqual([]);
  });

  test('a host that does not answer closes the intent with its error', async () => {
    const { entries, journal, executor } = stage();
    const unreachable: Executor = {
      ...executor,
      prepare: () => Promise.reject(new OperationError('ERR_UNREACHABLE', 'a', 'a: gone')),
    };
    await reconcile([{ seq: 3, operation: slow('a') }], unreachable, journal);
    expect(entries).toEqual([
      { kind: 'failed', intent: 3, code: 'ERR_UNREACHABLE', message: 'a: gone' },
    ]);
  });
});
