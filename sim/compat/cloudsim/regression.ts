/**
 * A straight line through evenly spaced points, with the running sums of commons-math's
 * `SimpleRegression`, whose order of operations decides comparisons in the last bit.
 */

/** Points of the line: the newest ten utilization samples. */
export const linePoints = 10;

/** What a fit needs of x = 1, 2, … 10 alone. */
const abscissa = sumAbscissa();

function sumAbscissa(): {
  /** Distance of each x from the mean of those before it. */
  readonly deviations: Float64Array;
  /** Weight of the product of deviations that each point adds. */
  readonly weights: Float64Array;
  readonly sumX: number;
  readonly sumXX: number;
} {
  const deviations = new Float64Array(linePoints);
  const weights = new Float64Array(linePoints);
  let meanX = 1;
  let sumX = 1;
  let sumXX = 0;
  for (let seen = 1; seen < linePoints; seen++) {
    const x = seen + 1;
    deviations[seen] = x - meanX;
    weights[seen] = seen / (1 + seen);
    sumXX += deviations[seen]! * deviations[seen]! * weights[seen]!;
    meanX += deviations[seen]! / (1 + seen);
    sumX += x;
  }
  return { deviations, weights, sumX, sumXX };
}

/**
 * Value at `x` of the least-squares line through (1, y[0]), (2, y[1]), … (10, y[9]).
 */
export function extrapolateLine(y: Float64Array, x: number): number {
  const { deviations, weights } = abscissa;
  let meanY = y[0]!;
  let sumY = y[0]!;
  let sumXY = 0;
  for (let seen = 1; seen < linePoints; seen++) {
    const deviation = y[seen]! - meanY;
    sumXY += deviations[seen]! * deviation * weights[seen]!;
    meanY += deviation / (1 + seen);
    sumY += y[seen]!;
  }
  const slope = sumXY / abscissa.sumXX;
  const intercept = (sumY - slope * abscissa.sumX) / linePoints;
  return intercept + slope * x;
}
