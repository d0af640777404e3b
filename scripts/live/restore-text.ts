/** What a restore did or would do, as lines for people. */
import {
  describeOperation,
  type Executor,
  OperationError,
  printable,
  type RestoredGoal,
  type RestoreReport,
  type RestoreStep,
} from '../../deploy/index.ts';

const words: Readonly<Record<RestoredGoal['state'], string>> = {
  would: 'would',
  already: 'is so',
  restored: 'back',
  gone: 'gone',
  kept: 'kept',
  failed: 'FAILED',
  stopped: 'stopped',
};

/** Lines with a line end after the last. */
export function restoreLines(report: RestoreReport, executor: Executor): string[] {
  if (report.goals.length === 0) return ['Nothing is to be undone.', ''];
  const goals = report.goals.flatMap(({ what, state, note, steps }) => [
    `${words[state].padEnd(8)}${printable(what)}${note === undefined ? '' : `: ${printable(note)}`}`,
    ...steps.flatMap((step) =>
      step.state === 'would' ? [stepLine(step), ...commandLines(step, executor)] : [stepLine(step)],
    ),
  ]);
  return [...goals, '', conclusion(report), ''];
}

/** One operation, indented. */
export function stepLine({ operation, state, effect, error }: RestoreStep): string {
  const what = printable(describeOperation(operation));
  const took = effect === undefined ? '' : ` in ${(effect.elapsedMs / 1000).toFixed(1)} s`;
  const failure = error === undefined ? '' : `: ${error.code} ${printable(error.message)}`;
  return `        ${state.padEnd(8)}${what}${took}${failure}`;
}

function commandLines({ operation }: RestoreStep, executor: Executor): string[] {
  try {
    return executor.commands(operation).map((command) => `                ${printable(command)}`);
  } catch (error) {
    // A host that the cluster file does not name any more; looking at it has said so.
    if (error instanceof OperationError) return [];
    throw error;
  }
}

function conclusion({ isExecuted, goals, undone, left }: RestoreReport): string {
  const failed = goals.filter(({ state }) => state === 'failed').length;
  const kept = goals.filter(({ state }) => state === 'kept').length;
  if (!isExecuted) {
    const would = goals.filter(({ state }) => state === 'would').length;
    const unread = failed === 0 ? '' : ` ${failed} could not be looked at.`;
    return `${would} of ${goals.length} would be brought back; nothing was changed.${unread} Do it with --execute.`;
  }
  if (left.length === 0) {
    const gone = goals.some(({ state }) => state === 'gone') ? ' but what is gone' : '';
    return `All is back${gone}; ${counted(undone.length)} undone.`;
  }
  const why = [
    ...(failed === 0 ? [] : [`${failed} of ${goals.length} failed; run the same again`]),
    ...(kept === 0 ? [] : [`${kept} kept as asked`]),
  ];
  const rest = why.length === 0 ? '' : ` (${why.join('; ')})`;
  return `${counted(undone.length)} undone, ${left.length} left${rest}.`;
}

const counted = (count: number): string => `${count} change${count === 1 ? '' : 's'}`;
