/** Other simulators' own stored results against ours. */
import { join } from 'node:path';
import { countEqualRuns } from '../cloudsim-rows.ts';
import { simGridErrors } from '../simgrid-errors.ts';
import { type AccuracyGroup, apart } from './row.ts';

export const simgrid: AccuracyGroup = {
  name: 'simgrid',
  kind: 'simulators',
  needsData: true,
  measure(reference) {
    const errors = simGridErrors(join(reference, 'reference', 'simgrid'));
    const rounded = errors.filter(({ scenario }) => scenario !== 'S5_precopy');
    const preCopy = errors.filter(({ scenario }) => scenario === 'S5_precopy');
    const worst = (rows: typeof errors): string => {
      const energy = apart(Math.max(...rows.map((row) => row.energy)));
      return `energy ${energy}, dates ${apart(Math.max(...rows.map((row) => row.dateS ?? 0)), 's')}`;
    };
    return [
      {
        model: 'SimGrid 3.32: CPU shares, DVFS, governors, migrations, switching',
        page: 'cpu-contention',
        referee: `its stored energies and dates, ${rounded.length} scenarios (table below)`,
        error: worst(rounded),
      },
      {
        model: 'SimGrid 3.32: pre-copy rounds',
        page: 'live-migration',
        referee: 'its stored energies and dates, seven VMs',
        error: `${worst(preCopy)}; a byte more or less in a round`,
      },
    ];
  },
};

export const cloudsim: AccuracyGroup = {
  name: 'cloudsim',
  kind: 'simulators',
  needsData: true,
  isSlow: true,
  measure(reference) {
    const { runs, equal, days } = countEqualRuns(reference);
    return [
      {
        model: 'CloudSim 4.0, PlanetLab benchmark (`sim/compat/cloudsim`)',
        referee: `its own runs of ${days.join(', ')}`,
        error: `${equal} of ${runs} runs equal to the last bit`,
      },
    ];
  },
};
