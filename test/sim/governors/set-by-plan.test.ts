/** A plan's frequency and a host's own governor: who has the last word. */
import { describe, expect, it } from 'vitest';
import {
  advance,
  applyPlan,
  checkInvariants,
  governorNamed,
  type Twin,
  twinAt,
} from '../../../sim/index.ts';
import { clusterModel, startTwin, threePstates } from '../../builders.ts';

const rule = governorNamed('schedutil', 'governor');
const intervalS = 10;

/** One host whose VM asks for half of it, then for all of it. */
function governed(endsWhenSet: boolean | undefined, demandMips = [500, 500, 2000, 500]): Twin {
  const { periodMs, slots } = rule;
  const governor = {
    rule: 0,
    periodMs,
    slots,
    ...(endsWhenSet === undefined ? {} : { endsWhenSet }),
  };
  const hosts = [{ pstates: threePstates, cores: 1, governor }];
  return startTwin({ hosts, vms: [{ demandMips, host: 0 }], intervalS }, 1, [rule]);
}

const pstateOf = (twin: Twin): number => twin.state.hostPstate[0]!;

describe('a P-state that a plan sets on a governed host', () => {
  it('holds for good where it ends the governor', () => {
    const twin = governed(true);
    advance(twin, 1000);
    expect(applyPlan(twin, [{ type: 'setPstate', host: 0, pstate: 1 }])).toEqual([]);
    for (const timeMs of [2000, 15_000, 25_000, 39_000]) {
      advance(twin, timeMs);
      expect(pstateOf(twin)).toBe(1);
      checkInvariants(twin);
    }
    expect([twin.state.hostGoverned[0], twin.state.hostSpecial[0]]).toEqual([0, 0]);
  });

  it('holds until the next sample where it does not', () => {
    const twin = governed(undefined);
    expect(twin.model.hostGovernorEnds).toBeUndefined();
    advance(twin, 25_000);
    expect(pstateOf(twin)).toBe(0);
    applyPlan(twin, [{ type: 'setPstate', host: 0, pstate: 2 }]);
    expect(pstateOf(twin)).toBe(2);
    advance(twin, 26_000);
    expect(pstateOf(twin)).toBe(0);
  });

  it('that does not exist changes nothing', () => {
    const twin = governed(true);
    const before = twin.fork();
    const refused = applyPlan(twin, [{ type: 'setPstate', host: 0, pstate: 3 }]);
    expect(refused.map(({ reason }) => reason)).toEqual(['the host has no such P-state']);
    expect(twin.state.equals(before.state)).toBe(true);
  });

  it('is one host’s alone', () => {
    const { periodMs, slots } = rule;
    const host = { pstates: threePstates, cores: 1 };
    const hosts = [true, false].map((endsWhenSet) => ({
      ...host,
      governor: { rule: 0, periodMs, slots, endsWhenSet },
    }));
    const vms = [0, 1].map((at) => ({ demandMips: [2000, 2000], host: at }));
    const twin = startTwin({ hosts, vms, intervalS }, 1, [rule]);
    applyPlan(
      twin,
      [0, 1].map((at) => ({ type: 'setPstate' as const, host: at, pstate: 2 })),
    );
    advance(twin, 5000);
    expect([...twin.state.hostPstate.subarray(0, 2)]).toEqual([2, 0]);
  });
});

describe('a load that has lasted', () => {
  const vms = [{ demandMips: [500, 500], host: 0 }];
  const hosts = [
    { pstates: threePstates, cores: 1, governor: { rule: 0, periodMs: 4, slots: rule.slots } },
  ];
  const model = {
    ...clusterModel({ hosts, vms, intervalS }),
    governors: [{ name: 'schedutil', options: {} }],
  };

  it('is what governors remember at the present of a twin', () => {
    const [cold, warm] = [false, true].map((loadHasLasted) =>
      twinAt(model, { nowMs: 0, loadHasLasted }),
    );
    for (const twin of [cold!, warm!]) advance(twin, 8);
    // 1.25 · 500 MIPS is more than 500; one that remembers nothing falls to the slowest.
    expect([pstateOf(cold!), pstateOf(warm!)]).toEqual([2, 1]);
    for (const twin of [cold!, warm!]) advance(twin, 9000);
    expect([pstateOf(cold!), pstateOf(warm!)]).toEqual([1, 1]);
  });
});
