/** A journal as a table for people. */
import Table from 'cli-table3';
import {
  type Comparison,
  type DecisionView,
  describeOperation,
  type ItemView,
  type JournalRecord,
  type JournalView,
  type LeaseHolder,
  printable,
} from '../../deploy/index.ts';
import { signedPercent } from './format.ts';

const bare = Object.fromEntries(
  [
    ...['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left'],
    ...['bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle'],
  ].map((name) => [name, '']),
);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({
    head: [...head],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    chars: bare,
  });
  // Whatever a journal says, a forged one included.
  for (const row of rows) drawn.push(row.map(printable));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** `2026-11-22 06:31:10`, UTC. */
const stamp = (atMs: number): string => new Date(atMs).toISOString().slice(0, 19).replace('T', ' ');

const watts = (value: number): string => `${value.toFixed(1)} W`;

/** The newest decisions, one a line, and what is to be undone. */
export function journalText(
  journal: JournalView,
  decisions: readonly DecisionView[],
  holder: LeaseHolder | undefined,
): string {
  const { directory, seq } = journal;
  const controller =
    holder === undefined
      ? 'no controller runs'
      : `process ${holder.pid} on ${printable(holder.host)} controls since ${stamp(holder.sinceMs)}`;
  const compared = new Map(journal.comparisons().map((one) => [one.decision, one]));
  const blocks = [`${directory}: ${seq} records; ${controller}`];
  if (decisions.length > 0) {
    const rows = decisions.map((decision) => decisionRow(decision, compared.get(decision.id)));
    blocks.push(table(['decision', 'time (UTC)', 'mode', 'state', 'power', 'items'], rows));
  }
  blocks.push(undoText(journal));
  return `${blocks.join('\n\n')}\n`;
}

function decisionRow(decision: DecisionView, comparison: Comparison | undefined): string[] {
  const { id, atMs, mode, state, before, after, items, nothing } = decision;
  const gain = before.meanW > 0 ? signedPercent((after.meanW - before.meanW) / before.meanW) : '';
  const seen = comparison === undefined ? '' : `, seen ${watts(comparison.observedW)}`;
  const power = items.length === 0 ? '' : `${gain} to ${watts(after.meanW)}${seen}`;
  const said =
    nothing === undefined ? countsOf(items) : `nothing: ${shortened(printable(nothing))}`;
  return [printable(id), stamp(atMs), mode, state, power, said];
}

const shortened = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** `2 done, 1 refused`; what was undone counts as that. */
function countsOf(items: readonly ItemView[]): string {
  const counts = new Map<string, number>();
  for (const { state, undone } of items) {
    const word = undone === true ? 'undone' : state;
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, count]) => `${count} ${word}`).join(', ');
}

function undoText(journal: JournalView): string {
  const states = journal.toUndo();
  if (states.length === 0) return 'Nothing is to be undone.';
  const rows = states.map(({ intent, end }) => [
    String(intent.seq),
    stamp(intent.atMs),
    end?.kind ?? 'no end',
    printable(describeOperation(intent.operation)),
    intent.undo.map((operation) => printable(describeOperation(operation))).join('; '),
  ]);
  return `To be undone (wattwin restore):\n${table(['record', 'time (UTC)', 'ended', 'what', 'undone by'], rows)}`;
}

/** One decision: what was foretold, and each item. */
export function decisionText(decision: DecisionView, records: readonly JournalRecord[]): string {
  const { id, atMs, mode, policy, state, before, after, items, nothing } = decision;
  const lines = [
    printable(`${id}  ${stamp(atMs)} UTC  ${mode}  ${policy}  ${state}`),
    `over ${after.horizonS} s: ${watts(before.meanW)} if nothing is done, ${watts(after.meanW)} with all of it; lost ${before.lostVcpuS.toFixed(1)} and ${after.lostVcpuS.toFixed(1)} vCPU·s`,
    ...(nothing === undefined ? [] : [`nothing to do: ${printable(nothing)}`]),
  ];
  if (items.length > 0) {
    const rows = items.map((item, index) => itemRow(index, item, records));
    lines.push('', table(['item', 'state', 'what', 'foretold', 'came', 'records'], rows));
  }
  return `${lines.join('\n')}\n`;
}

function itemRow(index: number, item: ItemView, records: readonly JournalRecord[]): string[] {
  const { operation, state, forecast, effect, error, refusal, undone } = item;
  const foretold = [
    forecast === undefined ? '' : `${(forecast.energyJ / 3600).toFixed(1)} Wh`,
    forecast?.durationS === undefined ? '' : `${forecast.durationS.toFixed(1)} s`,
  ];
  const came = [
    effect === undefined ? '' : `${(effect.elapsedMs / 1000).toFixed(1)} s`,
    effect?.downtimeMs === undefined ? '' : `${Math.round(effect.downtimeMs)} ms still`,
    error === undefined ? '' : `${error.code} ${printable(error.message)}`,
    refusal === undefined ? '' : `${refusal.rule}: ${printable(refusal.reason)}`,
  ];
  const intents = records.filter((record) => record.kind === 'intent' && record.item === index);
  return [
    String(index),
    undone === true ? `${state}, undone` : state,
    printable(describeOperation(operation)),
    joined(foretold),
    joined(came),
    intents.map(({ seq }) => seq).join(' '),
  ];
}

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== '').join(', ');
