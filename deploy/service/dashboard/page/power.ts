/** Power now and predicted, and how good the predictions were. */
import { createPowerChart } from './chart.ts';
import { byId, element, keyedChildren, setAttribute, setText } from './dom.ts';
import { count, duration, percent, watts } from './format.ts';
import { mape, measuredW, pastMax, powerColumns, type State, shownDecision } from './state.ts';

interface Figure {
  readonly label: string;
  readonly text: string;
  readonly note: string;
}

function figuresOf(state: State): Figure[] {
  const { snapshot, series, lastDecision } = state;
  const newest = series.at(-1);
  const nowW = measuredW(state) ?? newest?.observedW;
  const next = lastDecision?.before;
  const past = series.slice(-pastMax);
  const usable = past.filter(({ observedW }) => observedW > 0).length;
  const hosts = snapshot?.hosts ?? [];
  const on = hosts.filter(({ state: is }) => is === 'on').length;
  return [
    { label: 'Now', text: watts(nowW), note: 'measured' },
    {
      label: 'Predicted',
      text: watts(next?.powerW[0]),
      note:
        next === undefined || next.powerW.length === 0
          ? 'next interval'
          : `next ${duration(next.horizonS / next.powerW.length)}`,
    },
    {
      label: 'MAPE',
      text: percent(mape(past)),
      note: usable === 0 ? 'none compared' : `of ${count(usable, 'interval')}`,
    },
    {
      label: 'Hosts on',
      text: hosts.length === 0 ? '–' : `${on} of ${hosts.length}`,
      note: snapshot === null ? '' : count(snapshot.vms.length, 'VM'),
    },
  ];
}

/** @returns Shows another state. */
export function createPower(): (state: State) => void {
  const chart = createPowerChart();
  const chartBox = byId('power-chart');
  const show = keyedChildren<Figure>(
    byId('power-figures'),
    ({ label }) => label,
    ({ label }) => {
      const value = element('dd', { class: 'now' });
      const note = element('small');
      const node = element('div', {}, element('dt', {}, label), value, note);
      return {
        node,
        update: (figure) => {
          setText(value, figure.text);
          setText(note, figure.note);
        },
      };
    },
  );
  return (state) => {
    const figures = figuresOf(state);
    show(figures);
    const columns = powerColumns(state.series, shownDecision(state));
    chartBox.hidden = columns.endS.length < 2;
    byId('power-legend').hidden = chartBox.hidden;
    setText(
      byId('power-note'),
      chartBox.hidden ? 'The chart begins with the second interval.' : '',
    );
    const spoken = figures.map(({ label, text, note }) => `${label} ${text} (${note})`).join(', ');
    setAttribute(chartBox, 'aria-label', `Power over time. ${spoken}.`);
    if (!chartBox.hidden) chart(columns);
  };
}
