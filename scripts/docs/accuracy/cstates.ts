/** Idle states: the closed-form expectation against a sum over idle intervals. */
import {
  chooseCState,
  cstateTables,
  exponentialIdleProfile,
  idleEnergyS,
} from '../../../sim/power/cstates.ts';
import { type AccuracyGroup, Worst } from './row.ts';

const intervals = 400_000;

export const cstates: AccuracyGroup = {
  name: 'cstates',
  kind: 'exact',
  measure() {
    const worst = new Worst();
    const tables = Object.values(cstateTables);
    for (const table of tables) {
      const tau = 500e-6;
      let energyS = 0;
      for (let step = 0; step < intervals; step++) {
        // Midpoints of equal shares of all intervals of the exponential distribution.
        const idleS = -tau * Math.log(1 - (step + 0.5) / intervals);
        energyS += idleEnergyS(table, chooseCState(table, idleS), idleS);
      }
      const { relativeIdlePower } = exponentialIdleProfile(table, 0.5, 1000);
      worst.addRelative(relativeIdlePower, energyS / intervals / tau);
    }
    return [
      {
        model: 'Idle power of C-states',
        page: 'cstates',
        referee: `a sum over ${intervals.toLocaleString('en')} idle intervals, ${tables.length} generations of CPUs`,
        error: `${worst.value.toExponential(0)} relative`,
      },
    ];
  },
};
