/** Temperatures in the twin against the closed form, and what depends on them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { smallComponentHost } from '../../scripts/fuzz/small-component-host.ts';
import { temperatureNowC, thermalCapW } from '../../sim/hosts/heat-meter.ts';
import { advance, type HeatSpec, hostEnergyNowJ, setDemand, type Twin } from '../../sim/index.ts';
import { componentPowerW } from '../../sim/power/components.ts';
import { cstateTables, exponentialIdleProfile } from '../../sim/power/cstates.ts';
import { heatOutJ } from '../../sim/thermal/rc.ts';
import { startTwin, threePstates } from '../builders.ts';
import { tries } from './random-cluster.ts';

const heat: HeatSpec = { resistanceKPerW: 0.2, capacityJPerK: 1000, inletC: 20 };
const vm = { vcpus: 4, demandMips: 4000, host: 0 };
const host = { pstates: threePstates };

/** T after `s` at constant power by many small Euler steps. */
function euler(startC: number, powerW: number, s: number): number {
  const steps = 200_000;
  let t = startC;
  for (let step = 0; step < steps; step++) t += ((powerW - (t - 20) / 0.2) / 1000) * (s / steps);
  return t;
}

describe('temperature', () => {
  it('follows power as the differential equation says', () => {
    const twin = startTwin({ hosts: [{ ...host, heat }], vms: [vm] });
    advance(twin, 1);
    advance(twin, 100_000);
    expect(temperatureNowC(twin, 0)).toBeCloseTo(euler(20, 200, 100), 3);
    setDemand(twin, 0, 0);
    advance(twin, 250_000);
    expect(temperatureNowC(twin, 0)).toBeCloseTo(euler(euler(20, 200, 100), 100, 150), 3);
  });

  it('balances: electric energy in = heat out + heat kept, however often it is looked at', () => {
    const steps = fc.array(fc.tuple(fc.integer({ min: 1, max: 90_000 }), fc.nat({ max: 4000 })), {
      minLength: 1,
      maxLength: 20,
    });
    fc.assert(
      fc.property(steps, (changes) => {
        const twin = startTwin({ hosts: [{ ...host, heat }], vms: [vm] });
        advance(twin, 1);
        let outJ = 0;
        const startC = temperatureNowC(twin, 0)!;
        const startJ = hostEnergyNowJ(twin, 0);
        for (const [waitMs, mips] of changes) {
          const powerW = twin.state.hostPowerW[0]!;
          outJ += heatOutJ(heat, temperatureNowC(twin, 0)!, 20, powerW, waitMs / 1000);
          advance(twin, twin.nowMs + waitMs);
          setDemand(twin, 0, mips);
        }
        const keptJ = (temperatureNowC(twin, 0)! - startC) * 1000;
        const inJ = hostEnergyNowJ(twin, 0) - startJ;
        expect(Math.abs(inJ - outJ - keptJ)).toBeLessThan(1e-9 * inJ + 1e-6);
      }),
      tries(100),
    );
  });
});

describe('a limit', () => {
  const limited = { ...heat, limitC: 50, hysteresisK: 2, everyMs: 5_000 };
  const hottestC = (twin: Twin, untilMs: number): number => {
    let hottest = 0;
    for (let ms = twin.nowMs; ms <= untilMs; ms += 1_000) {
      advance(twin, ms);
      hottest = Math.max(hottest, temperatureNowC(twin, 0)!);
    }
    return hottest;
  };

  it('is met to the moment, and kept by slowing down step by step', () => {
    const twin = startTwin({ hosts: [{ ...host, heat: limited }], vms: [vm] });
    // 200 W would lead to 60 °C; 50 °C is reached after RC ln(40 / 10).
    advance(twin, 200 * Math.log(4) * 1000 - 1);
    expect(twin.state.hostPstate[0]).toBe(0);
    advance(twin, 200 * Math.log(4) * 1000 + 1);
    expect(twin.state.hostPstate[0]).toBe(1);
    expect(hottestC(twin, 3_600_000)).toBeLessThan(50.01);
    expect(twin.state.actionTotals[2]).toBeGreaterThan(5);
  });

  it('is no affair of a host that stays cool', () => {
    const twin = startTwin({
      hosts: [{ ...host, heat: limited }],
      vms: [{ ...vm, demandMips: 500 }],
    });
    advance(twin, 3_600_000);
    expect(twin.state.actionTotals[2]).toBe(0);
    expect(thermalCapW(twin, 0)).toBeCloseTo(150, 9);
  });
});

describe('a host described by its parts', () => {
  const component = smallComponentHost;
  const cores = component.packages * component.coresPerPackage;
  const parts = { ...host, cores, component };

  it('draws what its parts draw at its load, speed and temperature', () => {
    const idle = { states: cstateTables['skylake-sp'], wakeupsPerS: 300 };
    const twin = startTwin({
      hosts: [{ ...parts, idle, heat: { ...heat, startC: 40 } }],
      vms: [{ ...vm, vcpus: 1, demandMips: 600 }],
    });
    advance(twin, 0);
    const busyFraction = 600 / (1000 * cores);
    const { relativeIdlePower } = exponentialIdleProfile(idle.states, busyFraction, 300);
    const point = {
      domains: [{ cores, frequencyHz: 1e9, busyFraction, idleRelativePower: relativeIdlePower }],
      temperatureC: 40,
    };
    expect(twin.state.hostPowerW[0]).toBeCloseTo(componentPowerW(component, point).total, 9);
  });

  it('draws more when it is hot, as its leakage and fans do, and settles where both agree', () => {
    const twin = startTwin({ hosts: [{ ...parts, heat }], vms: [vm] });
    advance(twin, 0);
    const coldW = twin.state.hostPowerW[0]!;
    advance(twin, 7_200_000);
    const hotW = twin.state.hostPowerW[0]!;
    const hotC = temperatureNowC(twin, 0)!;
    expect(hotW).toBeGreaterThan(coldW);
    expect(hotC).toBeCloseTo(20 + 0.2 * hotW, 6);
  });
});
