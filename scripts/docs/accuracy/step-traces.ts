/** Integrals of carbon intensity and price against sums step by step. */
import { RandomStream, StepTrace } from '../../../sim/index.ts';
import { type AccuracyGroup, apart, Worst } from './row.ts';

const traces = 200;

export const stepTraces: AccuracyGroup = {
  name: 'step-traces',
  kind: 'exact',
  measure() {
    const random = new RandomStream(1, 'step traces');
    const worst = new Worst();
    for (let index = 0; index < traces; index++) {
      const times = [0];
      while (times.length < 100) times.push(times.at(-1)! + 1 + random.integer(3_600_000));
      const values = times.map(() => 1 + random.integer(800));
      const wraps = random.integer(2) === 1;
      const last = times.at(-1)! - times.at(-2)!;
      const endMs = times.at(-1)! + last;
      const trace = new StepTrace(Float64Array.from(times), Float64Array.from(values), {
        outside: wraps ? 'wrap' : 'clamp',
      });
      for (let span = 0; span < 20; span++) {
        const fromMs = random.integer(endMs);
        const untilMs = fromMs + 1 + random.integer(2 * endMs);
        let sum = 0;
        for (let round = 0; round < (wraps ? 4 : 1); round++) {
          times.forEach((time, step) => {
            const begins = round * endMs + time;
            const isLast = step === times.length - 1;
            const ends = isLast
              ? wraps
                ? (round + 1) * endMs
                : Infinity
              : round * endMs + times[step + 1]!;
            sum += values[step]! * Math.max(0, Math.min(ends, untilMs) - Math.max(begins, fromMs));
          });
        }
        worst.addRelative(trace.integral(fromMs, untilMs), sum);
      }
    }
    return [
      {
        model: 'Carbon intensity and price over time',
        page: '../traces',
        referee: `sums step by step, ${traces} random traces, once and repeated`,
        error: `integrals ${apart(worst.value)}`,
      },
    ];
  },
};
