/** Frequency rules: PELT against its sum in integers, and left-out samples against all samples. */

import { decayTowards } from '../../../sim/governors/decaying-average.ts';
import { peltHalfLifeMs } from '../../../sim/governors/schedutil.ts';
import { createGovernor, governorKinds, hostPresets, RandomStream } from '../../../sim/index.ts';
import { govern, xeonMips } from '../referees/governed-domain.ts';
import { type AccuracyGroup, type AccuracyRow, Worst } from './row.ts';

const histories = 100;

export const governorGroup: AccuracyGroup = {
  name: 'governors',
  kind: 'exact',
  measure: () => [peltRow(), parkingRow()],
};

/**
 * The kernel adds up periods of 1024 µs in whole numbers: sum ← ⌊sum · y⌋ + what ran, y³² = ½ as a 32-bit
 * fraction, and utilization is the sum by its largest value (kernel/sched/pelt.c).
 */
function peltRow(): AccuracyRow {
  const y = BigInt(Math.round(2 ** (-1 / 32) * 2 ** 32));
  const sumMax = 47_742n;
  const random = new RandomStream(1, 'pelt');
  const apart = new Worst();
  let sum = 0n;
  let ours = 0;
  for (let period = 0, busyUs = 0; period < 20_000; period++) {
    if (period % 50 === 0) busyUs = random.integer(1025);
    sum = ((sum * y) >> 32n) + BigInt(busyUs);
    ours = decayTowards(ours, busyUs, 1.024, peltHalfLifeMs);
    const theirs = Number((sum * 1024n) / sumMax);
    apart.add(Math.floor(ours) - theirs);
  }
  return {
    model: 'PELT utilization in closed form',
    page: 'frequency-governors',
    referee: 'sums of whole numbers over 20,000 periods of 1024 µs, as in `kernel/sched/pelt.c`',
    error: `${apart.value} of 1024`,
  };
}

function parkingRow(): AccuracyRow {
  const random = new RandomStream(2, 'parking');
  const tables = [
    xeonMips,
    ...Object.values(hostPresets).map(({ pstates }) => pstates.map(({ coreMips }) => coreMips)),
  ];
  let compared = 0;
  let different = 0;
  for (const { name } of governorKinds) {
    const rule = createGovernor(name);
    for (let history = 0; history < histories; history++) {
      const mips = tables[random.integer(tables.length)]!;
      let fromMs = 0;
      const steps = Array.from({ length: 8 }, () => {
        fromMs += random.integer(2000);
        return { fromMs, demand: random.integer(1200) / 1000 };
      });
      const periodMs = random.integer(2) === 0 ? 4 : 10;
      const pstate = random.integer(mips.length);
      const domain = { mips, cores: 4, periodMs, steps, untilMs: fromMs + 3000, pstate };
      const every = govern(rule, domain, false);
      const parked = govern(rule, domain, true);
      compared++;
      if (JSON.stringify(parked.changes) !== JSON.stringify(every.changes)) different++;
    }
  }
  return {
    model: 'Governors whose needless samples are left out',
    page: 'frequency-governors',
    referee: `every sample taken: ${governorKinds.length} rules, ${histories} random loads each`,
    error: `${different} of ${compared} histories of P-states differ`,
  };
}
