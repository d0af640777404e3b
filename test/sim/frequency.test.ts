/** P-state changes that take time, limits, and governors whose samples are skipped. */
import { describe, expect, it } from 'vitest';
import {
  advance,
  type GovernorRule,
  hostEnergyNowJ,
  limitPstates,
  setDemand,
  setPstate,
  settleAll,
  type Twin,
} from '../../sim/index.ts';
import { startTwin, threePstates } from '../builders.ts';

const busy = { vcpus: 4, demandMips: 4000, host: 0 };
const host = { pstates: threePstates };

describe('a transition', () => {
  const slow = { ...host, frequency: { latencyMs: 50, haltMs: 20 } };

  it('keeps the old speed, then stands still, at the old power all along', () => {
    const twin = startTwin({ hosts: [slow], vms: [busy] });
    advance(twin, 1000);
    setPstate(twin, 0, 2);
    const beforeJ = hostEnergyNowJ(twin, 0);
    advance(twin, 1029);
    expect(twin.state.hostUsedMips[0]).toBe(4000);
    advance(twin, 1040);
    expect(twin.state.hostUsedMips[0]).toBe(0);
    advance(twin, 1050);
    expect(twin.state.hostPstate[0]).toBe(2);
    expect(twin.state.hostUsedMips[0]).toBe(2000);
    expect(hostEnergyNowJ(twin, 0) - beforeJ).toBeCloseTo(200 * 0.05, 9);
    settleAll(twin);
    expect(twin.state.hostWorkMi[0]).toBeCloseTo(4000 * 1.03, 6);
  });

  it('takes the last request that came before it stood still; later ones wait', () => {
    const twin = startTwin({ hosts: [slow], vms: [busy] });
    advance(twin, 1000);
    setPstate(twin, 0, 2);
    advance(twin, 1020);
    setPstate(twin, 0, 1);
    advance(twin, 1035);
    setPstate(twin, 0, 0);
    advance(twin, 1050);
    expect(twin.state.hostPstate[0]).toBe(1);
    advance(twin, 1100);
    expect(twin.state.hostPstate[0]).toBe(0);
    expect(twin.state.actionTotals[2]).toBe(2);
  });

  it('is dropped when the request is taken back in time', () => {
    const twin = startTwin({ hosts: [slow], vms: [busy] });
    setPstate(twin, 0, 2);
    advance(twin, 10);
    setPstate(twin, 0, 0);
    advance(twin, 1000);
    expect(twin.state.actionTotals[2]).toBe(0);
    expect(hostEnergyNowJ(twin, 0)).toBeCloseTo(200, 9);
  });

  it('begins at the next multiple of the grid', () => {
    const gridded = { ...host, frequency: { latencyMs: 20, gridMs: 500 } };
    const twin = startTwin({ hosts: [gridded], vms: [busy] });
    advance(twin, 1100);
    setPstate(twin, 0, 1);
    advance(twin, 1519);
    expect(twin.state.hostPstate[0]).toBe(0);
    advance(twin, 1520);
    expect(twin.state.hostPstate[0]).toBe(1);
  });
});

it('a limit holds requests back and gives them free again', () => {
  const twin = startTwin({ hosts: [host], vms: [busy] });
  limitPstates(twin, 0, 1);
  expect(twin.state.hostPstate[0]).toBe(1);
  setPstate(twin, 0, 0);
  expect(twin.state.hostPstate[0]).toBe(1);
  setPstate(twin, 0, 2);
  limitPstates(twin, 0, 0);
  expect(twin.state.hostPstate[0]).toBe(2);
  setPstate(twin, 0, 0);
  expect(twin.state.hostPstate[0]).toBe(0);
});

describe('skipped samples', () => {
  /** Notes the samples it is given, in its memory too, so that none can be skipped. */
  const notes: { nowMs: number; load: number; mean: number }[] = [];
  const restless: GovernorRule = {
    name: 'restless',
    description: 'samples always',
    periodMs: 10_000,
    slots: 1,
    next: (sample, memory, at) => {
      memory[at]!++;
      notes.push({ nowMs: sample.nowMs ?? -1, load: sample.load, mean: sample.meanLoad ?? -1 });
      return sample.load > 0.6 ? 0 : 2;
    },
  };
  const lazy: GovernorRule = {
    ...restless,
    slots: 0,
    next: (sample) => {
      notes.push({ nowMs: sample.nowMs ?? -1, load: sample.load, mean: sample.meanLoad ?? -1 });
      return sample.load > 0.6 ? 0 : 2;
    },
  };

  const run = (rule: GovernorRule): { twin: Twin; seen: typeof notes } => {
    notes.length = 0;
    const governor = { rule: 0, periodMs: 10_000, slots: rule.slots };
    const vms = [
      { vcpus: 2, demandMips: [1500, 300, 1900, 1900, 0], host: 0 },
      { vcpus: 1, demandMips: [100, 900, 100, 1000, 0], host: 0 },
    ];
    const twin = startTwin({ hosts: [{ ...host, governor }], vms }, 1, [rule]);
    for (const [atMs, mips] of [
      [123_456, 800],
      [700_001, 50],
      [705_000, 1000],
    ] as const) {
      advance(twin, atMs);
      setDemand(twin, 1, mips);
    }
    advance(twin, 1_500_000);
    return { twin, seen: [...notes] };
  };

  it('see what they would have seen, act when they would have acted, and are few', () => {
    const always = run(restless);
    const seldom = run(lazy);
    expect(always.seen).toHaveLength(150);
    expect(seldom.seen.length).toBeLessThan(30);
    const byTime = new Map(always.seen.map((sample) => [sample.nowMs, sample]));
    for (const sample of seldom.seen) {
      const same = byTime.get(sample.nowMs)!;
      expect(sample.load).toBeCloseTo(same.load, 12);
      expect(sample.mean).toBeCloseTo(same.mean, 12);
    }
    expect(hostEnergyNowJ(seldom.twin, 0)).toBeCloseTo(hostEnergyNowJ(always.twin, 0), 6);
    expect(seldom.twin.state.actionTotals[2]).toBe(always.twin.state.actionTotals[2]);
  });

  it('take the busiest vCPU, not the mean, for the load', () => {
    const { seen } = run(lazy);
    // From 0 to 10 s: 1500 MIPS on 2 vCPUs of 1000, 100 on one; 1600 of 4000 in all.
    expect(seen[0]).toMatchObject({ nowMs: 10_000, load: 0.75, mean: 0.4 });
  });
});
