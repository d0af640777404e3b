/** CPU shares, tasks, migrations and switching against the plain fluid model. */
import { runSimGridScenario } from '../../../sim/compat/simgrid/index.ts';
import { simulateFluid } from '../referees/fluid-simulator.ts';
import { randomScenario } from '../referees/random-scenario.ts';
import { type AccuracyGroup, apart, Worst } from './row.ts';

const scenarios = 250;

export const contention: AccuracyGroup = {
  name: 'contention',
  kind: 'exact',
  measure() {
    const energy = new Worst();
    const dates = new Worst();
    for (let seed = 0; seed < scenarios; seed++) {
      const scenario = randomScenario(seed);
      const ours = runSimGridScenario(scenario);
      const plain = simulateFluid(scenario);
      for (const [host, joules] of Object.entries(plain.energyJ)) {
        energy.addRelative(ours.energy_J[host] ?? Number.NaN, joules);
      }
      for (const [task, endS] of Object.entries(plain.completion)) {
        dates.add((ours.completion[task] ?? Number.NaN) - endS);
      }
    }
    return [
      {
        model: 'CPU shares, tasks, P-states, migrations, switching',
        page: 'cpu-contention',
        referee: `a plain fluid model that computes everything anew at each date, ${scenarios} random scenarios`,
        error: `energy of a host ${apart(energy.value)}, ends of tasks ${apart(dates.value, 's')}`,
      },
    ];
  },
};
