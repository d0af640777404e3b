/** The engine against itself in plain form: fused ticks, snapshots, sums of energy, work and charges. */

import {
  advance,
  createPolicy,
  decodeSnapshot,
  defaultObjective,
  encodeSnapshot,
  hostEnergyNowJ,
  modelOf,
  parseScenario,
  runPolicy,
  settleAll,
  Twin,
  unattributedEnergy,
  vmEnergy,
} from '../../../sim/index.ts';
import { applyDemandRow, tickPlainly } from '../../../sim/tick.ts';
import { createSynthetic } from '../../../traces/index.ts';
import { type AccuracyGroup, type AccuracyRow, apart, Worst } from './row.ts';

const rows = 288;
const rowMs = 300_000;

export const engine: AccuracyGroup = {
  name: 'engine',
  kind: 'exact',
  measure: () => [tickRow(), snapshotRow(), ledgerRow()],
};

/** Twelve hosts and eighty VMs of a generated day. */
function day(accounting: boolean): Twin {
  const text = `
name: day
hosts:
  - { model: grid5000-stremi, count: 6, memory: 96 GiB }
  - { model: hp-ml110-g5, count: 6, memory: 96 GiB }
workload: { type: synthetic }
${accounting ? 'accounting: { idle: reservation }' : ''}
`;
  const { workload } = createSynthetic({ vms: 80, steps: rows, seed: 11 });
  const scenario = parseScenario(text, 'day');
  return Twin.create(modelOf(scenario, workload, 'day'), 11);
}

const run = (twin: Twin, untilMs: number): void => {
  runPolicy(twin, createPolicy('pabfd', 'policy'), {
    untilMs,
    decisionEveryMs: rowMs,
    objective: defaultObjective,
  });
};

function tickRow(): AccuracyRow {
  const twin = day(false);
  let equal = 0;
  let ticks = 0;
  for (let row = 1; row < rows; row++) {
    run(twin, row * rowMs - 1);
    const [fast, plain] = [twin.fork(), twin.fork()];
    for (const fork of [fast, plain]) fork.state.nowMs[0] = twin.state.nextTickMs[0]!;
    applyDemandRow(fast);
    tickPlainly(plain);
    ticks++;
    if (fast.state.equals(plain.state)) equal++;
  }
  return {
    model: 'Trace ticks',
    page: '../architecture',
    referee: 'the same step host by host in plain form, a day of 12 hosts and 80 VMs',
    error: `${equal} of ${ticks} states equal in every byte`,
  };
}

function snapshotRow(): AccuracyRow {
  let equal = 0;
  const cuts = [20, 77, 144, 250];
  for (const cut of cuts) {
    const twin = day(false);
    run(twin, cut * rowMs);
    const copy = decodeSnapshot(encodeSnapshot(twin), twin.model, 'snapshot');
    for (const one of [twin, copy]) run(one, rows * rowMs);
    if (twin.state.equals(copy.state)) equal++;
  }
  return {
    model: 'Snapshots',
    page: '../architecture',
    referee: 'the run that was never stopped, the same day cut at four times',
    error: `${equal} of ${cuts.length} ends equal in every byte`,
  };
}

/** Σ VMs + nobody's = energy of all hosts, after each row of the day. */
function ledgerRow(): AccuracyRow {
  const twin = day(true);
  const worst = new Worst();
  for (let row = 1; row <= rows; row++) {
    run(twin, row * rowMs);
    settleAll(twin);
    let charged = 0;
    for (let vm = 0; vm < twin.model.vms; vm++) {
      for (const joules of Object.values(vmEnergy(twin, vm))) charged += joules;
    }
    for (const joules of Object.values(unattributedEnergy(twin))) charged += joules;
    let metered = 0;
    for (let host = 0; host < twin.model.hosts; host++) metered += hostEnergyNowJ(twin, host);
    worst.addRelative(charged, metered);
  }
  advance(twin, twin.nowMs);
  return {
    model: 'Energy accounting',
    page: 'energy-accounting',
    referee: 'the meter of all hosts: Σ VMs + nobody’s after each of 288 rows of the day',
    error: `energy ${apart(worst.value)}`,
  };
}
