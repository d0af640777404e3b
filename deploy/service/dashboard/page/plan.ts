/** The current plan: what is to be done, what the twin foretells of it, what the guard says. */
import { describeOperation, hostsOf } from '../../../actions/operation.ts';
import { byId, element, keyedChildren, type Row, setAttribute, setText } from './dom.ts';
import { age, duration, energy, number, signed, watts } from './format.ts';
import {
  type DecisionView,
  type ItemView,
  type Received,
  serviceNowMs,
  shownDecision,
} from './state.ts';
import { headline, itemEnergy, reason, stateOf } from './texts.ts';

/** What a person can do with the plan. */
export interface PlanActions {
  say(decision: DecisionView, word: 'approve' | 'reject'): Promise<string>;
  /** The pointer or the focus is on an item: hosts and VM concerned; nothing when it has left. */
  point(hosts: readonly string[], vm: string | undefined): void;
}

/** Buttons stay closed so long after a plan came: a click meant for the one before must not approve it. */
const settleMs = 800;

/** @returns Shows what was received, also again when time has passed. */
export function createPlan(actions: PlanActions): (received: Received, nowMs: number) => void {
  const word = createWord(actions);
  const showCompare = createCompare();
  const table = byId('plan-items');
  const showItems = keyedChildren<readonly [index: number, item: ItemView]>(
    table.querySelector('tbody')!,
    ([index, { operation }]) => `${index} ${describeOperation(operation)}`,
    () => itemRow(actions),
  );
  return (received, nowMs) => {
    const decision = shownDecision(received.state);
    word.update(decision, nowMs);
    setAttribute(byId('plan'), 'data-state', decision?.state);
    if (decision === null) {
      setText(byId('plan-headline'), 'No decision yet');
      setText(byId('plan-reason'), 'The first one comes when every host has been read twice.');
      setText(byId('plan-made'), '');
      table.hidden = true;
      showCompare(undefined);
      return;
    }
    setText(byId('plan-headline'), headline(decision));
    setText(byId('plan-reason'), reason(decision));
    const ageText = age(serviceNowMs(received, nowMs) - decision.atMs);
    setText(byId('plan-made'), `${decision.policy} · ${ageText} · ${stateOf(decision)}`);
    setAttribute(byId('plan-made'), 'title', decision.id);
    table.hidden = decision.items.length === 0;
    showItems(decision.items.map((item, index) => [index, item] as const));
    showCompare(decision);
  };
}

/** The two buttons and the answer below them. */
function createWord({ say }: PlanActions): {
  update(decision: DecisionView | null, nowMs: number): void;
} {
  const box = byId('plan-word');
  const answer = byId('plan-answer');
  const approve = byId('approve') as HTMLButtonElement;
  const reject = byId('reject') as HTMLButtonElement;
  let shown: DecisionView | null = null;
  let sinceMs = 0;
  /** Decisions about which a word was said here, so that none is said twice. */
  let saidAbout = '';

  const speak = async (what: 'approve' | 'reject'): Promise<void> => {
    const decision = shown;
    if (decision === null || approve.disabled) return;
    saidAbout = decision.id;
    approve.disabled = true;
    reject.disabled = true;
    setAttribute(answer, 'data-tone', undefined);
    setText(answer, 'Sending…');
    try {
      setText(answer, await say(decision, what));
      setAttribute(answer, 'data-tone', 'good');
    } catch (error) {
      saidAbout = '';
      setText(answer, error instanceof Error ? error.message : String(error));
      setAttribute(answer, 'data-tone', 'bad');
    }
  };
  approve.addEventListener('click', () => void speak('approve'));
  reject.addEventListener('click', () => void speak('reject'));

  return {
    update: (decision, nowMs) => {
      if (decision?.id !== shown?.id) {
        sinceMs = nowMs;
        setText(answer, '');
      }
      shown = decision;
      const isOpen = decision?.mode === 'recommend' && decision.state === 'open';
      box.hidden = !isOpen;
      if (!isOpen) return;
      const isClosed = decision.id === saidAbout || nowMs - sinceMs < settleMs;
      approve.disabled = isClosed;
      reject.disabled = isClosed;
      const many = decision.items.filter(({ state }) => state === 'planned').length;
      setText(approve, many === 1 ? 'Approve 1 action' : `Approve ${many} actions`);
    },
  };
}

interface Compared {
  readonly label: string;
  readonly before: string;
  readonly after: string;
  readonly change: string;
  readonly tone: 'good' | 'bad' | 'plain';
}

function comparedOf({ before, after }: DecisionView): Compared[] {
  const row = (
    label: string,
    of: (prediction: DecisionView['before']) => number,
    write: (value: number) => string,
  ): Compared => {
    const change = of(after) - of(before);
    const isNone = Math.abs(change) <= 1e-9 * Math.abs(of(before));
    return {
      label,
      before: write(of(before)),
      after: write(of(after)),
      change: isNone ? 'same' : signed(change, write),
      tone: isNone ? 'plain' : change < 0 ? 'good' : 'bad',
    };
  };
  return [
    row(`energy, ${duration(before.horizonS)}`, ({ energyJ }) => energyJ, energy),
    row('mean power', ({ meanW }) => meanW, watts),
    row('lost CPU', ({ lostVcpuS }) => lostVcpuS, lostCpu),
    row(
      'cost',
      ({ cost }) => cost,
      (value) => `${number(value)} kWh-eq.`,
    ),
  ];
}

/** CPU time asked for and not delivered. */
const lostCpu = (vcpuS: number): string => `${number(vcpuS)} vCPU·s`;

/** Nothing done against the plan. */
function createCompare(): (decision: DecisionView | undefined) => void {
  const show = keyedChildren<Compared>(
    byId('plan-compare'),
    ({ label }) => label,
    ({ label }) => {
      const values = element('dd');
      const change = element('dd', { class: 'change' });
      const node = element('div', {}, element('dt', {}, label), change, values);
      return {
        node,
        update: (compared) => {
          setText(change, compared.change);
          setAttribute(change, 'data-tone', compared.tone);
          const isSame = compared.before === compared.after;
          setText(values, isSame ? compared.before : `${compared.before} → ${compared.after}`);
        },
      };
    },
  );
  return (decision) => show(decision === undefined ? [] : comparedOf(decision));
}

function itemRow({ point }: PlanActions): Row<readonly [number, ItemView]> {
  const sentence = element('th', { scope: 'row' });
  const cell = (label: string, isFigure: boolean): HTMLTableCellElement =>
    element('td', { 'data-label': label, class: isFigure && 'figure' });
  const energyCell = cell('Energy', true);
  const lostCell = cell('Lost CPU', true);
  const takesCell = cell('Takes', true);
  const guardCell = cell('Guard', false);
  const stateCell = cell('State', false);
  const node = element('tr', {}, sentence, energyCell, lostCell, takesCell, guardCell, stateCell);
  let item: ItemView | undefined;
  const enter = (): void => {
    if (item === undefined) return;
    const { operation } = item;
    point(hostsOf(operation), 'vm' in operation ? operation.vm : undefined);
  };
  node.addEventListener('pointerenter', enter);
  node.addEventListener('pointerleave', () => point([], undefined));
  return {
    node,
    update: ([, next]) => {
      item = next;
      setAttribute(node, 'data-state', next.state);
      setText(sentence, describeOperation(next.operation));
      setText(energyCell, itemEnergy(next));
      setText(lostCell, signed(next.forecast?.lostVcpuS, lostCpu));
      showTakes(takesCell, next);
      showGuard(guardCell, next);
      showState(stateCell, next);
    },
  };
}

/** A value with a smaller line below. */
function setTwoLines(cell: HTMLElement, first: string, second: string | undefined): void {
  if (cell.childElementCount === 0) cell.append(element('span'), element('small'));
  setText(cell.children[0]!, first);
  setText(cell.children[1]!, second ?? '');
}

/** How long: foretold, and what it then took. */
function showTakes(cell: HTMLElement, { forecast, effect }: ItemView): void {
  const pause = (seconds: number | undefined): string =>
    seconds === undefined ? '' : `, stands still ${duration(seconds)}`;
  const foretold =
    forecast?.durationS === undefined
      ? undefined
      : `${duration(forecast.durationS)}${pause(forecast.downtimeS)}`;
  if (effect === undefined) {
    setTwoLines(cell, foretold ?? '–', undefined);
    return;
  }
  const downtimeS = effect.downtimeMs === undefined ? undefined : effect.downtimeMs / 1000;
  const took = `${duration(effect.elapsedMs / 1000)}${pause(downtimeS)}`;
  setTwoLines(cell, took, foretold === undefined ? undefined : `foretold ${foretold}`);
}

function showGuard(cell: HTMLElement, { refusal }: ItemView): void {
  setAttribute(cell, 'data-tone', refusal === undefined ? 'good' : 'bad');
  if (refusal === undefined) setTwoLines(cell, 'allowed', undefined);
  else setTwoLines(cell, `refused: ${refusal.rule}`, refusal.reason);
}

function showState(cell: HTMLElement, { state, error, effect, undone }: ItemView): void {
  const tone = { done: 'good', failed: 'bad', running: 'busy' } as const;
  setAttribute(cell, 'data-tone', tone[state as keyof typeof tone]);
  const isNoChange = state === 'done' && effect?.didChange === false;
  const text = undone === true ? 'undone' : isNoChange ? 'was so already' : state;
  setTwoLines(cell, text, error === undefined ? undefined : `${error.code}: ${error.message}`);
}
