/** Whatever a controller does, wherever it and its restores are killed: in the end all is as it was. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Entry,
  type IntentState,
  type JournalRecord,
  type Operation,
  OperationError,
} from '../../../deploy/index.ts';
import { JournalIndex } from '../../../deploy/journal/journal-index.ts';
import { restore } from '../../../deploy/journal/restore.ts';
import type { RestoreReport } from '../../../deploy/journal/restore-report.ts';
import { FakeWorld, Killed, smallCluster } from './fake-world.ts';
import { stoppedClock } from './stopped-clock.ts';

/** A journal in memory that outlives the process; a new process reads it anew. */
class FakeJournal {
  readonly #world: FakeWorld;
  readonly #segments: JournalRecord[][] = [[]];
  /** Begin a segment after so many records, and read only the newest one. */
  readonly #segmentRecords: number;
  #index = new JournalIndex();
  #seq = 0;

  constructor(world: FakeWorld, segmentRecords: number) {
    this.#world = world;
    this.#segmentRecords = segmentRecords;
  }

  append(entry: Entry): number {
    this.#world.step(() => {
      if (this.#segments.at(-1)!.length >= this.#segmentRecords) {
        this.#segments.push(this.#index.carried());
        this.reload();
      }
      const record = { seq: ++this.#seq, atMs: 0, ...entry };
      this.#segments.at(-1)!.push(record);
      this.#index.take(record);
    });
    return this.#seq;
  }

  get seq(): number {
    return this.#seq;
  }

  toUndo(): IntentState[] {
    return this.#index.toUndo();
  }

  reload(): void {
    this.#index = new JournalIndex();
    for (const record of this.#segments.at(-1)!) this.#index.take(record);
  }
}

const host = fc.constantFrom('a', 'b', 'c', 'd');
const vm = fc.constantFrom('v', 'w', 'x', 'y');
const policies = fc.option(fc.subarray([0, 1], { minLength: 1 }), { nil: undefined });
const anyOperation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    type: fc.constant('migrate'),
    vm,
    from: host,
    to: host,
    storage: fc.constant('shared'),
  }),
  fc.record({ type: fc.constantFrom('startVm', 'stopVm'), vm, host }),
  fc.record({
    type: fc.constant('setQuota'),
    vm,
    host,
    coresPerVcpu: fc.constantFrom(null, 0.25, 0.5),
  }),
  fc.record({ type: fc.constant('setShares'), vm, host, shares: fc.constantFrom(100, 200) }),
  fc.record({ type: fc.constant('wakeHost'), host }),
  fc.record({ type: fc.constant('sleepHost'), host, to: fc.constant('S5') }),
  fc
    .record({
      type: fc.constant('setGovernor'),
      host,
      governor: fc.constantFrom('powersave', 'performance'),
      policies,
    })
    .map(({ policies: some, ...rest }) => ({ ...rest, ...(some ? { policies: some } : {}) })),
  fc
    .record({
      type: fc.constant('setFrequency'),
      host,
      khz: fc.constantFrom(800_000, 1_600_000),
      policies,
    })
    .map(({ policies: some, ...rest }) => ({ ...rest, ...(some ? { policies: some } : {}) })),
) as fc.Arbitrary<Operation>;

/** Hosts of an operation on a VM are where it is: a controller knows that. */
function aimed(wanted: Operation, world: FakeWorld): Operation {
  if (!('vm' in wanted)) return wanted;
  const at = world.state.vms[wanted.vm]!.host;
  return wanted.type === 'migrate' ? { ...wanted, from: at } : { ...wanted, host: at };
}

/** One operation as a controller does it. */
async function act(wanted: Operation, world: FakeWorld, journal: FakeJournal): Promise<void> {
  try {
    const prepared = await world.executor.prepare(aimed(wanted, world));
    if (prepared.isDone) return;
    const { operation, undo } = prepared;
    const intent = journal.append({ kind: 'intent', decision: 'd', item: 0, operation, undo });
    try {
      const effect = await world.executor.apply(prepared);
      journal.append({ kind: 'done', intent, effect });
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      const { code, message } = error;
      journal.append({ kind: 'failed', intent, code, message });
    }
  } catch (error) {
    if (!(error instanceof OperationError)) throw error;
  }
}

const options = (world: FakeWorld, journal: FakeJournal) => ({
  journal,
  executor: world.executor,
  finder: world.finder,
  clock: stoppedClock(0),
});

/** Restores until nothing is left, each process killed after so many steps, the last ones never. */
async function restoreAll(
  world: FakeWorld,
  journal: FakeJournal,
  kills: readonly number[],
): Promise<RestoreReport> {
  for (const steps of kills) {
    world.stepsLeft = steps;
    await survive(restore({ ...options(world, journal), execute: true }), journal);
  }
  world.stepsLeft = Number.POSITIVE_INFINITY;
  for (let tries = 0; ; tries++) {
    const report = await restore({ ...options(world, journal), execute: true });
    if (report.left.length === 0 || tries > 100) return report;
  }
}

async function survive(life: Promise<unknown>, journal: FakeJournal): Promise<void> {
  await life.catch((error: unknown) => {
    if (!(error instanceof Killed)) throw error;
    journal.reload();
  });
}

describe('restore', () => {
  it('brings back all, from whatever was done and wherever it was killed', async () => {
    let acted = 0;
    const kinds = new Set<string>();
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ wanted: anyOperation, killAfter: fc.nat(12), arrives: fc.boolean() }),
          {
            maxLength: 25,
          },
        ),
        fc.array(fc.nat(30), { maxLength: 6 }),
        fc.uniqueArray(fc.nat(40), { maxLength: 4 }),
        fc.uniqueArray(fc.nat(12), { maxLength: 8 }),
        fc.integer({ min: 1, max: 30 }),
        async (deeds, kills, failing, failingBack, segmentRecords) => {
          const world = new FakeWorld(smallCluster());
          world.failing = new Set(failing);
          const journal = new FakeJournal(world, segmentRecords);
          for (const { wanted, killAfter, arrives } of deeds) {
            // Most operations need fewer steps, and are not killed.
            world.stepsLeft = killAfter;
            const before = journal.toUndo().length;
            const seqBefore = journal.seq;
            await survive(act(wanted, world, journal), journal);
            const isKilled = world.stepsLeft === 0;
            if (journal.toUndo().length > before) {
              acted++;
              kinds.add(`${wanted.type} ${journal.toUndo().at(-1)!.end?.kind}`);
            }
            // libvirt goes on with a migration whose controller was killed.
            if (arrives && isKilled && wanted.type === 'migrate') {
              const last = journal.toUndo().at(-1);
              const isOpen = last?.end === undefined && journal.seq > seqBefore;
              const isBegun = isOpen && world.state.vms[wanted.vm]!.host !== wanted.to;
              if (isBegun && world.underway === undefined) {
                world.underway = { vm: wanted.vm, to: wanted.to, looksLeft: 2 };
              }
            }
          }
          world.failing = new Set(failingBack);
          world.applied = 0;
          const report = await restoreAll(world, journal, kills);
          expect(report.goals.filter(({ state }) => state === 'failed')).toEqual([]);
          expect(report.left).toEqual([]);
          expect(world.state).toEqual(smallCluster());
          expect(journal.toUndo()).toEqual([]);
        },
      ),
      { seed: 12, numRuns: 6000 },
    );
    // The property is about something: every kind was done, failed and was left open.
    expect(acted).toBeGreaterThan(5000);
    for (const type of [
      'migrate',
      'startVm',
      'stopVm',
      'setQuota',
      'setGovernor',
      'setFrequency',
    ]) {
      for (const end of ['done', 'failed', 'undefined']) expect(kinds).toContain(`${type} ${end}`);
    }
  }, 120_000);

  it('would do in a dry run what it then does, and changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyOperation, { maxLength: 15 }), async (deeds) => {
        const world = new FakeWorld(smallCluster());
        const journal = new FakeJournal(world, 1000);
        for (const wanted of deeds) await act(wanted, world, journal);
        const before = structuredClone(world.state);
        const undone = journal.toUndo();
        world.stepsLeft = 0;
        const dry = await restore({ ...options(world, journal), execute: false });
        expect(world.state).toEqual(before);
        expect(journal.toUndo()).toEqual(undone);
        world.stepsLeft = Number.POSITIVE_INFINITY;
        const real = await restore({ ...options(world, journal), execute: true });
        expect(real.left).toEqual([]);
        expect(dry.goals.map(({ what }) => what)).toEqual(real.goals.map(({ what }) => what));
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
