/** Sentences about decisions. Everything here is pure. */
import { count, joulesPerWattHour, number, percent, signed, watts } from './format.ts';
import type { DecisionView, ItemView } from './state.ts';

/** What a plan changes of the mean power, W; negative saves. */
export const changeW = ({ before, after }: DecisionView): number => after.meanW - before.meanW;

/** Items that are, were or may be carried out. */
export const allowedItems = ({ items }: DecisionView): readonly ItemView[] =>
  items.filter(({ state }) => state !== 'refused');

const states: Readonly<Record<DecisionView['state'], string>> = {
  open: 'waits for approval',
  approved: 'approved',
  rejected: 'rejected',
  running: 'under way',
  done: 'done',
  failed: 'failed',
  expired: 'expired',
};

/** One or two words on how far a decision is. */
export function stateOf(decision: DecisionView): string {
  if (decision.items.length === 0) return 'nothing to do';
  if (allowedItems(decision).length === 0) return 'all refused';
  if (decision.state === 'open') {
    if (decision.mode === 'shadow') return 'only shown';
    return decision.mode === 'act' ? 'begins' : states.open;
  }
  return states[decision.state];
}

/** The verdict in one line. */
export function headline(decision: DecisionView): string {
  const allowed = allowedItems(decision).length;
  if (allowed === 0) return 'No beneficial action';
  const { before } = decision;
  const change = changeW(decision);
  const share = before.meanW > 0 ? ` (${percent(Math.abs(change) / before.meanW)})` : '';
  const size = `${watts(Math.abs(change))}${share}`;
  const isOver = decision.state !== 'open' && decision.state !== 'approved';
  const effect =
    Math.abs(change) < 0.05
      ? 'at the same power'
      : change < 0
        ? `to save ${size}`
        : `for ${size} more power`;
  const actions = count(allowed, 'action');
  return isOver ? `${actions} ${effect}: ${stateOf(decision)}` : `${actions} ${effect}`;
}

/** Why that is so, or what becomes of the plan. */
export function reason(decision: DecisionView): string {
  const refused = decision.items.length - allowedItems(decision).length;
  if (decision.items.length === 0) return decision.nothing ?? 'The policy proposes nothing.';
  if (allowedItems(decision).length === 0) {
    return decision.nothing ?? `The guard refuses all that ${decision.policy} proposes.`;
  }
  const also = refused > 0 ? ` The guard refuses ${refused} more.` : '';
  if (decision.mode === 'shadow') return `Shadow mode: nothing is carried out.${also}`;
  if (decision.mode === 'recommend' && decision.state === 'open') {
    return `Nothing is done until it is approved.${also}`;
  }
  return also.trim();
}

const kinds: Readonly<Partial<Record<ItemView['operation']['type'], readonly [string, string]>>> = {
  migrate: ['migration', 'migrations'],
  startVm: ['VM started', 'VMs started'],
  stopVm: ['VM stopped', 'VMs stopped'],
  sleepHost: ['host off', 'hosts off'],
  wakeHost: ['host on', 'hosts on'],
};

/** A plan in a few words, for lists: `2 migrations, 1 host off`. */
export function summary(decision: DecisionView): string {
  if (decision.items.length === 0) return 'nothing to do';
  const allowed = allowedItems(decision);
  const counts = new Map<readonly [string, string], number>();
  for (const { operation } of allowed) {
    const kind = kinds[operation.type] ?? setting;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const parts = [...counts].map(([[one, more], many]) => `${many} ${many === 1 ? one : more}`);
  const refused = decision.items.length - allowed.length;
  if (refused > 0) parts.push(`${refused} refused`);
  return parts.join(', ');
}

const setting = ['setting', 'settings'] as const;

/** Energy that one item adds, Wh, with its sign. */
export const itemWattHours = ({ forecast }: ItemView): string =>
  signed(forecast?.energyJ, (joules) => number(joules / joulesPerWattHour));
