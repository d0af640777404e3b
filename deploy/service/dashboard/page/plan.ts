/** The current plan: what is to be done, what the twin predicts of it, what the guard says. */
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
import { allowedItems, headline, itemWattHours, reason, stateOf } from './texts.ts';

/** What a person can do with the plan. */
export interface PlanActions {
  say(decision: DecisionView, word: 'approve' | 'reject'): Promise<string>;
  /** The pointer or the focus is on an item: hosts and VM concerned; nothing when it has left. */
  point(hosts: readonly string[], vm: string | undefined): void;
}

/** Buttons stay closed so long after a plan came: a click meant for the one before must not approve it. */
const settleMs = 800;

/** @returns Shows what was received, also again when time has passed; what is not live cannot be approved. */
export function createPlan(
  actions: PlanActions,
): (received: Received, isLive: boolean, nowMs: number) => void {
  const word = createWord(actions);
  const showCompare = createCompare();
  const table = byId('plan-items');
  const showItems = keyedChildren<readonly [index: number, item: ItemView]>(
    table.querySelector('tbody')!,
    ([index, { operation }]) => `${index} ${describeOperation(operation)}`,
    () => itemRow(actions),
  );
  return (received, isLive, nowMs) => {
    const decision = shownDecision(received.state);
    word.update(decision, isLive, nowMs);
    setAttribute(byId('plan'), 'data-state', decision?.state);
    if (decision === null) {
      setText(byId('plan-headline'), 'No decision yet');
      const isRun = received.state.controller !== null;
      setText(
        byId('plan-reason'),
        isRun
          ? 'The first one comes when every host has been read twice.'
          : 'No controller has run here: `wattwin control` starts one.',
      );
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
  update(decision: DecisionView | null, isLive: boolean, nowMs: number): void;
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
    update: (decision, isLive, nowMs) => {
      if (decision?.id !== shown?.id) {
        sinceMs = nowMs;
        setText(answer, '');
      }
      shown = decision;
      const isOpen = decision?.mode === 'recommend' && decision.state === 'open';
      box.hidden = !isOpen;
      if (!isOpen) return;
      const isClosed = !isLive || decision.id === saidAbout || nowMs - sinceMs < settleMs;
      approve.disabled = isClosed;
      reject.disabled = isClosed;
      const many = decision.items.filter(({ state }) => state === 'planned').length;
      setText(approve, many === 1 ? 'Approve 1 action' : `Approve ${many} actions`);
    },
  };
}

interface Compared {
  readonly label: string;
  readonly main: string;
  readonly note: string;
  readonly tone: 'good' | 'bad' | 'plain' | undefined;
}

/** The forecast if nothing is done, and what the plan changes of it. */
function comparedOf(decision: DecisionView): Compared[] {
  const { before, after } = decision;
  const isEmpty = allowedItems(decision).length === 0;
  const row = (
    label: string,
    of: (prediction: DecisionView['before']) => number,
    write: (value: number) => string,
  ): Compared => {
    const change = of(after) - of(before);
    const isSame = Math.abs(change) <= 1e-9 * Math.abs(of(before));
    const now = write(of(before));
    if (isEmpty) return { label, main: now, note: '', tone: undefined };
    if (isSame) return { label, main: 'same', note: now, tone: 'plain' };
    const tone = change < 0 ? 'good' : 'bad';
    return { label, main: signed(change, write), note: `${now} → ${write(of(after))}`, tone };
  };
  return [
    row(`energy, next ${duration(before.horizonS)}`, ({ energyJ }) => energyJ, energy),
    row('mean power', ({ meanW }) => meanW, watts),
    row('lost CPU, vCPU·s', ({ lostVcpuS }) => lostVcpuS, number),
    row('cost, kWh-eq.', ({ cost }) => cost, number),
  ];
}

/** Nothing done against the plan. */
function createCompare(): (decision: DecisionView | undefined) => void {
  const show = keyedChildren<Compared>(
    byId('plan-compare'),
    ({ label }) => label,
    ({ label }) => {
      const main = element('dd', { class: 'change' });
      const note = element('dd', { class: 'note' });
      const node = element('div', {}, element('dt', {}, label), main, note);
      return {
        node,
        update: (compared) => {
          setText(main, compared.main);
          setAttribute(main, 'data-tone', compared.tone);
          setText(note, compared.note);
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
  const energyCell = cell('Energy, Wh', true);
  const lostCell = cell('Lost CPU, vCPU·s', true);
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
      setText(energyCell, itemWattHours(next));
      setText(lostCell, signed(next.forecast?.lostVcpuS, number));
      showTakes(takesCell, next);
      showGuard(guardCell, next);
      showState(stateCell, next);
    },
  };
}

/** A value with a smaller line below. */
function setTwoLines(cell: HTMLElement, first: string, second = ''): void {
  if (cell.childElementCount === 0) cell.append(element('span'), element('small'));
  setText(cell.children[0]!, first);
  setText(cell.children[1]!, second);
}

/** How long: predicted, and what it then took; and how long the VM stands still meanwhile. */
function showTakes(cell: HTMLElement, { forecast, effect }: ItemView): void {
  const durationS = forecast?.durationS;
  const pause = (seconds: number | undefined): string[] =>
    seconds === undefined ? [] : [`pause ${duration(seconds)}`];
  if (effect === undefined) {
    setTwoLines(cell, duration(durationS), pause(forecast?.downtimeS).join());
    return;
  }
  const downtimeS = effect.downtimeMs === undefined ? undefined : effect.downtimeMs / 1000;
  const predicted = durationS === undefined ? [] : [`predicted ${duration(durationS)}`];
  const notes = [...predicted, ...pause(downtimeS)];
  setTwoLines(cell, duration(effect.elapsedMs / 1000), notes.join(', '));
}

/** What is skipped later on the guard had allowed. */
function showGuard(cell: HTMLElement, { refusal, state }: ItemView): void {
  const isAllowed = refusal === undefined || state !== 'refused';
  setAttribute(cell, 'data-tone', isAllowed ? 'good' : 'bad');
  if (isAllowed) setTwoLines(cell, 'allowed');
  else setTwoLines(cell, `refused: ${refusal.rule}`, refusal.reason);
}

function showState(cell: HTMLElement, { state, error, effect, undone, refusal }: ItemView): void {
  const tone = { done: 'good', failed: 'bad', running: 'busy' } as const;
  setAttribute(cell, 'data-tone', tone[state as keyof typeof tone]);
  const isNoChange = state === 'done' && effect?.didChange === false;
  const text = undone === true ? 'undone' : isNoChange ? 'was so already' : state;
  const why = state === 'refused' ? undefined : refusal?.reason;
  setTwoLines(cell, text, error === undefined ? why : `${error.code}: ${error.message}`);
}
