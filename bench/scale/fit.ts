/** Growth as a power of size: a line through the logarithms. */
import { assert } from '../../sim/index.ts';

export interface PowerLaw {
  /** y = factor × x^exponent. */
  readonly exponent: number;
  readonly factor: number;
  /** Half the width of the exponent's 95 % confidence interval. */
  readonly margin: number;
}

/** Quantiles of Student's t at 97.5 %, for 1, 2, 3, … degrees of freedom. */
const studentT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306] as const;

/**
 * Least squares on log y over log x.
 *
 * @param xs, ys Positive, three to ten of each.
 */
export function fitPowerLaw(xs: readonly number[], ys: readonly number[]): PowerLaw {
  const count = xs.length;
  assert(count >= 3 && count === ys.length, () => `${count} sizes for ${ys.length} times`);
  const logX = xs.map(Math.log);
  const logY = ys.map(Math.log);
  const meanX = mean(logX);
  const meanY = mean(logY);
  const spread = sum(logX.map((x) => (x - meanX) ** 2));
  const exponent = sum(logX.map((x, index) => (x - meanX) * (logY[index]! - meanY))) / spread;
  const residuals = logX.map((x, index) => logY[index]! - meanY - exponent * (x - meanX));
  const variance = sum(residuals.map((residual) => residual ** 2)) / (count - 2);
  return {
    exponent,
    factor: Math.exp(meanY - exponent * meanX),
    margin: studentT[count - 3]! * Math.sqrt(variance / spread),
  };
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
