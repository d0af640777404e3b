/** Plans that the service has made, by id, until newer ones push them out. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import { type Approval, Approvals } from '../control/approvals.ts';

/** A plan as it is kept: the answer's text, and what became of it. */
export interface KeptPlan {
  readonly id: string;
  readonly atMs: number;
  /** JSON of the answer. */
  readonly text: string;
}

export interface PlanStore {
  add(text: string): KeptPlan;
  get(id: string): KeptPlan | undefined;
  /** The first word counts. @returns What holds; `undefined` for no such plan. */
  say(id: string, verdict: Approval['verdict'], by: string): Approval | undefined;
  saidOf(id: string): Approval | undefined;
}

/** Plans kept. */
const plansMax = 1000;

const idPattern = /^\d{8}T\d{6}-[0-9a-f]{16}$/;

/** `20261122T061500-0123456789abcdef`: by time; the rest cannot be guessed. */
function newId(nowMs: number): string {
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+Z/g, '');
  return `${time}-${randomBytes(8).toString('hex')}`;
}

/** Plans in memory, gone with the service. */
export function plansInMemory(clock: Clock): PlanStore {
  const plans = new Map<string, KeptPlan>();
  const words = new Map<string, Approval>();
  return {
    add(text) {
      const atMs = clock.wallMs();
      const plan = { id: newId(atMs), atMs, text };
      plans.set(plan.id, plan);
      if (plans.size > plansMax) {
        const [oldest] = plans.keys();
        plans.delete(oldest!);
        words.delete(oldest!);
      }
      return plan;
    },
    get: (id) => plans.get(id),
    say(id, verdict, by) {
      if (!plans.has(id)) return undefined;
      const word = words.get(id) ?? { decision: id, verdict, atMs: clock.wallMs(), by };
      words.set(id, word);
      return word;
    },
    saidOf: (id) => words.get(id),
  };
}

/** Plans as files of a directory, which is made. One service at a time. */
export function plansInFiles(directory: string, clock: Clock): PlanStore {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const approvals = new Approvals(join(directory, 'approvals'));
  const pathOf = (id: string): string => join(directory, `${id}.json`);
  const ids = readdirSync(directory)
    .filter((name) => name.endsWith('.json') && idPattern.test(name.slice(0, -5)))
    .map((name) => name.slice(0, -5))
    .sort();
  const forget = (id: string): void => {
    rmSync(pathOf(id), { force: true });
    rmSync(join(directory, 'approvals', `${id}.json`), { force: true });
  };
  const get = (id: string): KeptPlan | undefined => {
    // Anything else is no name of a file here.
    if (!idPattern.test(id)) return undefined;
    try {
      return JSON.parse(readFileSync(pathOf(id), 'utf8')) as KeptPlan;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  };
  return {
    add(text) {
      const atMs = clock.wallMs();
      const plan: KeptPlan = { id: newId(atMs), atMs, text };
      writeFileSync(`${pathOf(plan.id)}.new`, JSON.stringify(plan), { mode: 0o600, flag: 'wx' });
      renameSync(`${pathOf(plan.id)}.new`, pathOf(plan.id));
      ids.push(plan.id);
      while (ids.length > plansMax) forget(ids.shift()!);
      return plan;
    },
    get,
    say(id, verdict, by) {
      if (get(id) === undefined) return undefined;
      return approvals.say({ decision: id, verdict, atMs: clock.wallMs(), by });
    },
    saidOf: (id) => (idPattern.test(id) ? approvals.of(id) : undefined),
  };
}
