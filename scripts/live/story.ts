/** What a controller does, as lines for people. */
import {
  bandLevel,
  type ControllerNews,
  type ControlSummary,
  type Decision,
  describeOperation,
  type PlanItem,
  printable,
  type Sight,
} from '../../deploy/index.ts';
import { formatClock, signedPercent } from './format.ts';

/** Lines for a piece of news; none for what says nothing new. */
export function linesOf(news: ControllerNews, nowMs: number): string[] {
  const stamp = formatClock(nowMs);
  switch (news.kind) {
    case 'sight':
      return [`${stamp}  ${sightLine(news.sight)}`];
    case 'event': {
      const { code, host, message } = news.event;
      const where = host === undefined || message.includes(host) ? '' : `${host}: `;
      return [`${stamp}  ! ${code}: ${printable(`${where}${message}`)}`];
    }
    case 'decision':
      return decisionLines(news.decision).map((line) => `${stamp}  ${line}`);
    case 'comparison': {
      const { predictedW, bandW, observedW } = news.comparison;
      const off = signedPercent((predictedW - observedW) / observedW);
      return [
        `${stamp}  foretold ${banded(predictedW, bandW)}, observed ${watts(observedW)} (${off})`,
      ];
    }
  }
}

const watts = (value: number): string => `${value.toFixed(1)} W`;

/** `36.0 ± 2.1 W`. */
const banded = (value: number, bandW: number | undefined): string =>
  bandW === undefined ? watts(value) : `${value.toFixed(1)} ± ${watts(bandW)}`;

function sightLine({ snapshot, observedW }: Sight): string {
  if (snapshot === undefined) return 'waiting for two readings of every host';
  const hosts = snapshot.hosts.map(({ name, state, currentMhz, utilization, measuredW }) => {
    const figures = [
      currentMhz === undefined ? undefined : `${Math.round(currentMhz)} MHz`,
      utilization === undefined ? undefined : `${Math.round(100 * utilization)} %`,
      measuredW === undefined ? undefined : watts(measuredW),
    ].filter((figure) => figure !== undefined);
    const said = state === 'on' && figures.length > 0 ? figures.join(' ') : state;
    return `${printable(name)} ${said}`;
  });
  const shown = hosts.length > 6 ? [...hosts.slice(0, 6), `… ${hosts.length} hosts`] : hosts;
  const total = observedW === undefined ? '' : ` | ${watts(observedW)} in all`;
  return `${shown.join(' · ')} | ${snapshot.vms.length} VMs${total}`;
}

/** A decision when it is made, and its items when it has ended. */
function decisionLines(decision: Decision): string[] {
  const { before, after, items, mode, nothing, state } = decision;
  const isNew = state === 'open' || (mode === 'shadow' && state === 'done');
  if (nothing !== undefined) return [`nothing to do: ${printable(nothing)}`];
  if (isNew) {
    const gain = signedPercent((after.meanW - before.meanW) / before.meanW);
    const what = mode === 'shadow' ? 'would' : mode === 'recommend' ? 'proposes to' : 'will';
    const horizon = `over ${Math.round(after.horizonS)} s`;
    const head = `${what} take ${watts(before.meanW)} to ${watts(after.meanW)} (${gain}) ${horizon}`;
    return [`${head}  [${decision.id}]`, ...items.map((item) => `  ${itemLine(item)}`)];
  }
  if (state === 'running' || state === 'approved') return [];
  return [`${decision.id} ${state}`, ...items.map((item) => `  ${itemLine(item)}`)];
}

function itemLine({ operation, state, refusal, error, effect, forecast }: PlanItem): string {
  const what = printable(describeOperation(operation));
  const took = effect?.didChange === true ? ` in ${(effect.elapsedMs / 1000).toFixed(1)} s` : '';
  const foretold =
    forecast?.durationS === undefined || state === 'refused'
      ? ''
      : ` (foretold ${forecast.durationS.toFixed(1)} s)`;
  const why = refusal === undefined ? '' : `: ${printable(refusal.reason)} [${refusal.rule}]`;
  const failure = error === undefined ? '' : `: ${error.code} ${printable(error.message)}`;
  return `${state.padEnd(8)} ${what}${took}${foretold}${why}${failure}`;
}

/** The end of a stretch of control. */
export function summaryLines(summary: ControlSummary): string[] {
  const { decisions, idle, items, refusals, failures, power, migrations } = summary;
  const counts = (of: Readonly<Record<string, number>>): string =>
    Object.entries(of)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ');
  const lines = [
    `${decisions} decisions, ${idle} with nothing to do; items: ${counts(items) || 'none'}`,
  ];
  if (Object.keys(refusals).length > 0) lines.push(`refused by rule: ${counts(refusals)}`);
  if (Object.keys(failures).length > 0) lines.push(`failed: ${counts(failures)}`);
  if (power !== undefined) {
    const { intervals, mapePercent, biasPercent, bands } = power;
    const level = Math.round(100 * bandLevel);
    const coverage =
      bands === undefined
        ? ''
        : `; ${bands.coveragePercent.toFixed(0)} % of ${bands.intervals} within bands for ${level} %`;
    lines.push(
      `power foretold against observed over ${intervals} intervals: MAPE ${mapePercent.toFixed(1)} %, bias ${biasPercent.toFixed(1)} %${coverage}`,
    );
  }
  for (const { what, predictedS, observedS, observedDowntimeS } of migrations) {
    const foretold =
      predictedS === undefined ? 'not foretold' : `foretold ${predictedS.toFixed(1)} s`;
    const stop =
      observedDowntimeS === undefined
        ? ''
        : `, stood still ${Math.round(observedDowntimeS * 1000)} ms`;
    lines.push(`${printable(what)}: ${foretold}, took ${observedS.toFixed(1)} s${stop}`);
  }
  return lines;
}
