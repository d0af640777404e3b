/** The engine's own elementary functions against 300-bit integers. */

import { RandomStream } from '../../../sim/index.ts';
import { cos, exp, expm1, log, log1p, pow, sin } from '../../../sim/numbers/exact-math.ts';
import {
  fixed,
  fixedExp,
  fixedLog,
  fixedSine,
  pi,
  times,
  ulps,
  unit,
} from '../referees/fixed-point.ts';
import { type AccuracyGroup, Worst } from './row.ts';

const samples = 300;

export const exactMath: AccuracyGroup = {
  name: 'exact-math',
  kind: 'exact',
  measure() {
    const random = new RandomStream(1, 'exact math');
    const between = (low: number, high: number): number => low + (high - low) * random.float();
    const exponential = new Worst();
    const logarithm = new Worst();
    const wave = new Worst();
    for (let index = 0; index < samples; index++) {
      const x = between(-700, 700);
      exponential.add(ulps(exp(x), ...fixedExp(fixed(x))));
      const small = between(-2, 2);
      const [mantissa, k] = fixedExp(fixed(small));
      exponential.add(
        ulps(expm1(small), (k >= 0 ? mantissa << BigInt(k) : mantissa >> BigInt(-k)) - unit),
      );
      const positive = between(0.01, 4);
      logarithm.add(ulps(log(positive), fixedLog(fixed(positive))));
      logarithm.add(ulps(log1p(positive), fixedLog(unit + fixed(positive))));
      const [base, exponent] = [between(0.01, 100), between(-10, 10)];
      exponential.add(
        ulps(pow(base, exponent), ...fixedExp(times(fixed(exponent), fixedLog(fixed(base))))),
      );
      const angle = between(-1000, 1000);
      wave.add(ulps(sin(angle), fixedSine(fixed(angle))));
      wave.add(ulps(cos(angle), fixedSine(fixed(angle) + pi / 2n)));
    }
    const units = (worst: Worst): string => worst.value.toFixed(2);
    return [
      {
        model: 'exp, expm1, pow; log, log1p; sin, cos',
        referee: `integers of 300 bits after the point, ${samples} random arguments each`,
        error: `${units(exponential)}; ${units(logarithm)}; ${units(wave)} units in the last place`,
      },
    ];
  },
};
