/**
 * A host's power curve learned while it runs: 1 sample a minute for two days, whose idle power rises
 * by 10 W after the first day. Run: npx tsx examples/rolling-calibration.ts
 */
import { RollingCalibrator } from '../sim/calibration/rolling-calibrator.ts';
import { RandomStream } from '../sim/index.ts';

const minuteMs = 60_000;
const chance = new RandomStream(1, 'example');
const calibrator = new RollingCalibrator({ columns: 2, halfLifeMs: 3 * 60 * minuteMs });
let inside = 0;
let predicted = 0;

for (let minute = 1; minute <= 2 * 1440; minute++) {
  const load = chance.float();
  // Of a host: the constant and what rises with load, here the square root of it.
  const features = [1, Math.sqrt(load)];
  const watts = (minute > 1440 ? 100 : 90) + 60 * Math.sqrt(load);
  const measured = watts * (1 + 0.02 * chance.normal());
  if (minute > 720) {
    // Asked before it has seen the sample.
    const { low, high } = calibrator.interval(features, 0.9);
    predicted++;
    if (measured >= low && measured <= high) inside++;
  }
  calibrator.add({ timeMs: minute * minuteMs, features, measured });
  if (minute % 720 === 0) {
    const [idle, rise] = calibrator.coefficients;
    console.log(`${minute / 60} h: ${idle!.toFixed(1)} W + ${rise!.toFixed(1)} W · √u`);
  }
}
console.log(`90 % intervals held ${((100 * inside) / predicted).toFixed(1)} % of the samples`);
