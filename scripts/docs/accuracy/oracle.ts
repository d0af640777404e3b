/** The oracle's plan against the best of all plans. */
import { measureGap } from '../../optimality-gap.ts';
import { type AccuracyGroup, percent } from './row.ts';

export const oracle: AccuracyGroup = {
  name: 'oracle',
  kind: 'exact',
  isSlow: true,
  measure() {
    const { instances, mean, largest, solvedExactly } = measureGap(20, 1);
    return [
      {
        model: 'Oracle',
        page: '../architecture',
        referee: `brute force over all plans of ${instances} tiny clusters`,
        error: `objective at most ${percent(largest)} above the best, ${percent(mean)} on average; best plan found on ${solvedExactly}`,
      },
    ];
  },
};
