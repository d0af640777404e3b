/** The report as one HTML file that needs nothing else: no network, no other file. */
import { compare, currencyOf, type Evaluation, type PolicyResult } from '../evaluate/results.ts';
import type { ChartDefinition } from './charts.ts';
import { type Column, columns, isShown, unitOf } from './columns.ts';
import { escapeHtml } from './escape.ts';
import { facts } from './facts.ts';
import { headline } from './headline.ts';
import { method } from './method.ts';
import { chartsSection, pageShell } from './page-shell.ts';
import { type Cast, castOf } from './roles.ts';

/** @param charts As `chartsOf` gives them. */
export function renderPage(evaluation: Evaluation, charts: readonly ChartDefinition[]): string {
  const results = compare(evaluation.records);
  const cast = castOf(results);
  return pageShell({
    title: evaluation.title,
    header: `<h1>${escapeHtml(evaluation.title)}</h1>
<p class="headline">${unbroken(escapeHtml(headline(evaluation.records, results)))}</p>
<p class="lead">${escapeHtml(evaluation.workload)}, on ${evaluation.hosts} hosts with ${evaluation.vms} VMs. Cost is the objective: ${objectiveParts(evaluation)} in kWh-equivalents.</p>`,
    main: `${factList(evaluation, results)}
<section aria-labelledby="comparison">
<h2 id="comparison">Comparison</h2>
${comparison(results, cast, currencyOf(evaluation.records))}
</section>
${chartsSection(charts)}
<section aria-labelledby="method">
<h2 id="method">How it was measured</h2>
<dl class="card method">
${method(evaluation, results)
  .map(([term, text]) => `<dt>${escapeHtml(term)}</dt><dd>${escapeHtml(text)}</dd>`)
  .join('\n')}
</dl>
</section>`,
    footer:
      'Wattwin evaluation report. All numbers are in the accompanying <code>evaluation.json</code>.',
    charts,
  });
}

/** What the objective counts, in words. */
function objectiveParts({ objective }: Evaluation): string {
  const { moneyPerUnit = 0, carbonPerKg = 0 } = objective;
  const parts = ['energy', 'lost work', 'migrations'];
  if (moneyPerUnit > 0) parts.push('money');
  if (carbonPerKg > 0) parts.push('carbon');
  return `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function factList(evaluation: Evaluation, results: readonly PolicyResult[]): string {
  const items = facts(evaluation, results).map(
    ({ name, value, detail }) =>
      `<div><dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}<small>${escapeHtml(detail)}</small></dd></div>`,
  );
  return items.length === 0 ? '' : `<dl class="facts">${items.join('\n')}</dl>`;
}

function comparison(results: readonly PolicyResult[], cast: Cast, currency: string): string {
  const all: readonly Column[] = Object.values(columns);
  const shown = all.filter((column) => isShown(column, results));
  const heads = shown.map((column) => {
    const { title, explanation } = column;
    const unit = escapeHtml(unitOf(column, currency));
    return `<th scope="col" title="${escapeHtml(explanation)}">${escapeHtml(title)}<small>${unit}&nbsp;</small></th>`;
  });
  const cells = shown.map((column) => column.texts(results, true));
  const rows = results.map(({ policy }, row) => {
    const [label, name] = tag(policy, cast);
    const badge = name === '' ? '' : `<br><span class="tag ${name}">${label}</span>`;
    const marked = name === 'oracle' || name === 'learned' ? ' class="marked"' : '';
    const data = cells.map((column) => `<td>${withInterval(column[row]!)}</td>`).join('');
    return `<tr${marked}><th scope="row" title="${escapeHtml(policy)}">${escapeHtml(policy)}${badge}</th>${data}</tr>`;
  });
  const several = results.some(({ objective }) => objective.count > 1);
  return `<div class="scroll" role="region" tabindex="0" aria-labelledby="comparison">
<table>
<caption>Best policy first; ${several ? 'means over all runs with 95 % confidence intervals' : 'one run each'}. p50 and p99: wall time of a decision.</caption>
<thead><tr><th scope="col">Policy</th>${heads.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody>
</table>
</div>`;
}

/** Keeps `3.1 ± 0.8 %` on one line. */
const unbroken = (text: string): string => text.replace(/ (?=[%±])|(?<=±) /g, '&nbsp;');

/** The interval less prominent than the mean. */
const withInterval = (text: string): string =>
  escapeHtml(text).replace(/ (± .*)$/, ' <small>$1</small>');

function tag(policy: string, cast: Cast): [label: string, name: string] {
  if (policy === cast.oracle?.policy) return ['reference', 'oracle'];
  if (policy === cast.learned?.policy) return ['learner', 'learned'];
  return policy === cast.bestHeuristic?.policy ? ['best heuristic', 'best'] : ['', ''];
}
