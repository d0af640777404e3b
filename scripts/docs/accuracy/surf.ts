/** Four days of the SURF cluster: replays and fits against its power meter. */
import { join } from 'node:path';
import { predictionError } from '../../../sim/calibration/statistics.ts';
import { parsePowerModel, runOpenDc } from '../../../sim/compat/opendc/index.ts';
import { readConsumption, readOpenDcTasks } from '../../../traces/index.ts';
import { calibrateCluster } from '../../calibrate/cluster-result.ts';
import { readCluster } from '../../calibrate/cluster-source.ts';
import type { ClusterResult } from '../../calibrate/cluster-summary.ts';
import { type AccuracyGroup, percent } from './row.ts';

const hosts = 277;
const fitDays = 2;
const node = { count: hosts, cores: 16, coreMhz: 2100, memoryMb: 100_000 };

const directoryOf = (reference: string): string => join(reference, 'data', 'surf-2022-10');

/** Replays with power models that are published for this cluster. */
export const surfReplay: AccuracyGroup = {
  name: 'surf-replay',
  kind: 'meters',
  needsData: true,
  async measure(reference) {
    const directory = directoryOf(reference);
    const tasks = await readOpenDcTasks(directory);
    const { powerW } = await readConsumption(join(directory, 'consumption.parquet'));
    const errors = [
      ['linear, 32 to 180 W', 'linear:32:180'],
      ['mse with r = 4, 25 to 174 W', 'mse:25:174:4'],
      ['sqrt, 32 to 180 W', 'sqrt:32:180'],
    ].map(([name, model]) => {
      const power = parsePowerModel(model!, 'power');
      const { profileW } = runOpenDc({ tasks, hosts: [{ ...node, power }], profileMs: 30_000 });
      const { mape, bias } = predictionError(powerW, profileW!.subarray(0, powerW.length));
      return `${name}: ${percent(mape / 100)} (energy ${signed(bias)})`;
    });
    return [
      {
        model: 'Replay with published power models',
        page: 'opendc-replay',
        referee: `meter of ${hosts} hosts of SURF, ${powerW.length.toLocaleString('en')} samples of 30 s`,
        error: errors.join('; '),
      },
    ];
  },
};

/** With its sign, unless it rounds to nothing. */
function signed(percentage: number): string {
  const size = Math.abs(percentage).toFixed(1);
  if (Number(size) === 0) return `${size} %`;
  return `${percentage < 0 ? '−' : '+'}${size} %`;
}

/** The cluster's curve, fitted on two days and tested on the next two. */
export async function calibrateSurf(reference: string): Promise<ClusterResult> {
  const directory = directoryOf(reference);
  const source = await readCluster(directory, { hosts, fitDays });
  return calibrateCluster(source, { directory: 'surf-2022-10', fitDays }).result;
}

export const surfCalibration: AccuracyGroup = {
  name: 'surf-calibration',
  kind: 'meters',
  needsData: true,
  isSlow: true,
  async measure(reference) {
    const { test, rolling } = await calibrateSurf(reference);
    const samples = test.samples.toLocaleString('en');
    const referee = `the same meter on days 3 and 4, fitted on days 1 and 2, ${samples} samples`;
    return [
      {
        model: 'Curve of a host from the cluster’s meter',
        page: 'calibration',
        referee,
        error: `${two(test.mape30s)} (means of 5 min ${two(test.mape5min)}; energy ${signed(test.bias)})`,
      },
      {
        model: 'The same, fitted anew every hour',
        page: 'calibration',
        referee,
        error: `${two(rolling.mape30s)} (means of 5 min ${two(rolling.mape5min)}; energy ${signed(rolling.bias)})`,
      },
    ];
  },
};

const two = (percentage: number): string => `${percentage.toFixed(1)} %`;
