/**
 * The VM whose demand goes along most with that of its neighbours: the highest multiple correlation
 * R² of its history with the histories of all other VMs on the host.
 *
 *   R²_i = 1 − 1 / (C⁻¹)_ii,   C the correlation matrix of the histories
 *
 * One inverse gives all R². Verma et al. (2009), USENIX ATC; Abdi (2007), multiple correlation.
 * Without enough history (at least one measurement more than VMs) or with linearly dependent
 * histories R² says nothing, and the choice is by minimum migration time.
 */
import { type ClusterView, historyMax } from '../../view.ts';
import { minimumMigrationTime } from './minimum-migration-time.ts';
import type { Selection } from './selection.ts';

/** Pivots of a correlation matrix below this are rounding: the histories are dependent. */
const singular = 1e-10;

export function createMaximumCorrelation(): Selection {
  // At most `historyMax` − 1 VMs are compared, see below.
  const vms = new Int32Array(historyMax);
  const scores = new Float64Array(historyMax * historyMax);
  const matrix = new Float64Array(2 * historyMax * historyMax);
  return {
    name: 'mc',
    choose: (draft, host, chance) => {
      const { cluster } = draft;
      const count = draft.guests[host]!;
      let samples = historyMax;
      let index = 0;
      if (count < 2 || count >= historyMax) return minimumMigrationTime.choose(draft, host, chance);
      for (let vm = draft.firstVm[host]!; vm >= 0; vm = draft.nextVm[vm]!) {
        vms[index++] = vm;
        samples = Math.min(samples, cluster.observations(vm));
      }
      if (samples <= count) return minimumMigrationTime.choose(draft, host, chance);
      standardize(cluster, vms, count, samples, scores);
      correlation(scores, count, samples, matrix);
      if (!invert(matrix, count)) return minimumMigrationTime.choose(draft, host, chance);
      let best = -1;
      let bestSquared = -Infinity;
      for (let row = 0; row < count; row++) {
        const vm = vms[row]!;
        if (draft.movable[vm] === 0) continue;
        const squared = 1 - 1 / matrix[row * 2 * count + count + row]!;
        if (squared > bestSquared) {
          best = vm;
          bestSquared = squared;
        }
      }
      return best;
    },
  };
}

/** Histories with mean 0 and length 1 (all 0 for a constant one), [count, samples]. */
function standardize(
  cluster: ClusterView,
  vms: Int32Array,
  count: number,
  samples: number,
  out: Float64Array,
): void {
  for (let row = 0; row < count; row++) {
    let sum = 0;
    for (let lag = 1; lag <= samples; lag++) sum += cluster.demandAt(vms[row]!, lag);
    const mean = sum / samples;
    let squares = 0;
    for (let lag = 1; lag <= samples; lag++) {
      const difference = cluster.demandAt(vms[row]!, lag) - mean;
      out[row * samples + lag - 1] = difference;
      squares += difference * difference;
    }
    const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let lag = 0; lag < samples; lag++) out[row * samples + lag]! *= scale;
  }
}

/** [count, 2 × count]: the correlations beside the unit matrix. */
function correlation(
  scores: Float64Array,
  count: number,
  samples: number,
  out: Float64Array,
): void {
  const width = 2 * count;
  out.fill(0, 0, count * width);
  for (let row = 0; row < count; row++) {
    out[row * width + count + row] = 1;
    for (let column = 0; column <= row; column++) {
      let sum = 0;
      for (let lag = 0; lag < samples; lag++) {
        sum += scores[row * samples + lag]! * scores[column * samples + lag]!;
      }
      out[row * width + column] = sum;
      out[column * width + row] = sum;
    }
  }
}

/** Gauss-Jordan; a correlation matrix needs no row exchange. False when it is singular. */
function invert(matrix: Float64Array, count: number): boolean {
  const width = 2 * count;
  for (let pivot = 0; pivot < count; pivot++) {
    const value = matrix[pivot * width + pivot]!;
    if (!(value > singular)) return false;
    for (let column = 0; column < width; column++) matrix[pivot * width + column]! /= value;
    for (let row = 0; row < count; row++) {
      const factor = matrix[row * width + pivot]!;
      if (row === pivot || factor === 0) continue;
      for (let column = 0; column < width; column++) {
        matrix[row * width + column]! -= factor * matrix[pivot * width + column]!;
      }
    }
  }
  return true;
}
