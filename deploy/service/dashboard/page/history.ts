/** Decisions of the past, predicted and observed, and events that a person should know. */
import { byId, element, keyedChildren, type Row, setAttribute, setText } from './dom.ts';
import { percent, signed, watts, when } from './format.ts';
import {
  comparisons,
  type DecisionView,
  type Received,
  type SeriesPoint,
  serviceNowMs,
} from './state.ts';
import { headline, stateOf, summary } from './texts.ts';

/** Rows that are shown, at most. */
const shownMax = { decisions: 40, events: 12 } as const;

type Past = readonly [decision: DecisionView, compared: SeriesPoint | undefined, nowMs: number];

/** @returns Shows the decisions, newest first. */
export function createHistory(): (
  received: Received,
  decisions: readonly DecisionView[],
  nowMs: number,
) => void {
  const table = byId('history-table');
  const show = keyedChildren<Past>(table.querySelector('tbody')!, ([{ id }]) => id, pastRow);
  return (received, decisions, nowMs) => {
    const now = serviceNowMs(received, nowMs);
    const compared = comparisons(received.state);
    const rows = decisions.slice(0, shownMax.decisions);
    table.hidden = rows.length === 0;
    byId('history-none').hidden = rows.length > 0;
    setText(byId('history-note'), rows.length < 2 ? '' : `the newest ${rows.length}`);
    show(rows.map((decision) => [decision, compared.get(decision.id), now]));
  };
}

function pastRow(): Row<Past> {
  const made = element('th', { scope: 'row' });
  const plan = element('td', { 'data-label': 'Plan', class: 'plan' });
  const state = element('td', { 'data-label': 'State' });
  const figure = (label: string): HTMLTableCellElement =>
    element('td', { 'data-label': label, class: 'figure' });
  const predicted = figure('Predicted');
  const observed = figure('Observed');
  const error = figure('Error');
  const node = element('tr', {}, made, plan, state, predicted, observed, error);
  return {
    node,
    update: ([decision, compared, nowMs]) => {
      setText(made, when(decision.atMs, nowMs));
      setAttribute(made, 'title', decision.id);
      setText(plan, summary(decision));
      setAttribute(plan, 'title', headline(decision));
      setText(state, decision.items.length === 0 ? '' : stateOf(decision));
      setAttribute(node, 'data-idle', decision.items.length === 0);
      setAttribute(node, 'data-state', decision.state);
      const { predictedW, observedW } = compared ?? {};
      setText(predicted, watts(predictedW ?? decision.before.powerW[0]));
      setText(observed, watts(observedW));
      const isComparable = predictedW !== undefined && observedW !== undefined && observedW > 0;
      setText(
        error,
        signed(isComparable ? (predictedW - observedW) / observedW : undefined, percent),
      );
    },
  };
}

/** @returns Shows the events of a state, newest first. */
export function createEvents(): (received: Received, nowMs: number) => void {
  interface Told {
    readonly seq: number;
    readonly atMs: number;
    readonly code: string;
    readonly text: string;
    readonly nowMs: number;
  }
  const show = keyedChildren<Told>(
    byId('event-list'),
    ({ seq }) => `${seq}`,
    ({ code, text }) => {
      const time = element('time');
      const node = element(
        'li',
        {},
        time,
        element('code', {}, code),
        element('span', { class: 'text' }, text),
      );
      return { node, update: ({ atMs, nowMs }) => setText(time, when(atMs, nowMs)) };
    },
  );
  return (received, nowMs) => {
    const now = serviceNowMs(received, nowMs);
    const told = received.state.tail.flatMap((record): Told[] => {
      if (record.kind !== 'event') return [];
      const { seq, atMs, code, host, message } = record;
      const text = host === undefined ? message : `${host}: ${message}`;
      return [{ seq, atMs, code, text, nowMs: now }];
    });
    const newest = told.reverse().slice(0, shownMax.events);
    byId('events-none').hidden = newest.length > 0;
    show(newest);
  };
}
