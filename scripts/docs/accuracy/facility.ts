/** The bill for energy at the wall against adding it up second by second. */
import { advance, facilityNow, RandomStream, StepTrace, setDemand } from '../../../sim/index.ts';
import { type AccuracyGroup, apart, Worst } from './row.ts';
import { smallTwin } from './small-twin.ts';

const hours = 50;
const seconds = 3600;

export const facility: AccuracyGroup = {
  name: 'facility',
  kind: 'exact',
  measure() {
    const random = new RandomStream(1, 'facility');
    const money = new Worst();
    const carbon = new Worst();
    for (let hour = 0; hour < hours; hour++) {
      const price = randomSteps(random, -50, 300);
      const grams = randomSteps(random, 20, 700);
      const pue = 1 + random.integer(80) / 100;
      const fixedW = random.integer(100);
      const twin = smallTwin({
        hosts: [{}],
        vms: [{ host: 0, vcpus: 4, demandMips: 0 }],
        facility: { pue, fixedW, pricePerKwh: traceOf(price), carbonGPerKwh: traceOf(grams) },
      });
      let [paid, emitted, demandMips] = [0, 0, 0];
      for (let second = 0; second < seconds; second++) {
        if (random.integer(60) === 0) {
          demandMips = random.integer(4001);
          advance(twin, second * 1000);
          setDemand(twin, 0, demandMips);
        }
        const kwh = (pue * (100 + demandMips / 40) + fixedW) / 3.6e6;
        paid += kwh * price[second]!;
        emitted += kwh * grams[second]!;
      }
      advance(twin, seconds * 1000);
      const reading = facilityNow(twin)!;
      money.addRelative(reading.electricity, paid);
      carbon.addRelative(reading.carbonKg * 1000, emitted);
    }
    return [
      {
        model: 'Cost and carbon of energy at the wall',
        page: 'cost-and-carbon',
        referee: `a bill added up second by second, ${hours} random hours of price, carbon intensity and load`,
        error: `money ${apart(money.value)}, carbon ${apart(carbon.value)}`,
      },
    ];
  },
};

/** The value of each second; a new one every few minutes. */
function randomSteps(random: RandomStream, low: number, high: number): number[] {
  let value = low + random.integer(high - low);
  return Array.from({ length: seconds }, () => {
    if (random.integer(200) === 0) value = low + random.integer(high - low);
    return value;
  });
}

/** The same as a step function that begins with each change. */
function traceOf(values: readonly number[]): StepTrace {
  const begins = [...values.keys()].filter((at) => at === 0 || values[at] !== values[at - 1]);
  return new StepTrace(
    Float64Array.from(begins, (at) => at * 1000),
    Float64Array.from(begins, (at) => values[at]!),
  );
}
