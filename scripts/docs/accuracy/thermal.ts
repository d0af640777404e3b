/** Temperature against its differential equation in small steps, and heat against conservation. */

import { temperatureNowC } from '../../../sim/hosts/heat-meter.ts';
import {
  advance,
  type HeatSpec,
  hostEnergyNowJ,
  RandomStream,
  setDemand,
} from '../../../sim/index.ts';
import { heatOutJ, temperatureAfterC } from '../../../sim/thermal/rc.ts';
import { type AccuracyGroup, apart, Worst } from './row.ts';
import { smallTwin } from './small-twin.ts';

const cases = 200;
const heat: HeatSpec = { resistanceKPerW: 0.2, capacityJPerK: 1000, inletC: 20 };

export const thermal: AccuracyGroup = {
  name: 'thermal',
  kind: 'exact',
  measure() {
    const random = new RandomStream(1, 'thermal');
    const equation = new Worst();
    const balance = new Worst();
    for (let index = 0; index < cases; index++) {
      const spec = {
        resistanceKPerW: 0.05 + random.float(),
        capacityJPerK: 100 + 5000 * random.float(),
      };
      const [startC, inletC, powerW, elapsedS] = [
        10 + 80 * random.float(),
        10 + 30 * random.float(),
        500 * random.float(),
        1000 * random.float(),
      ];
      const ours = temperatureAfterC(spec, startC, inletC, powerW, elapsedS);
      equation.add(ours - integrated(spec, startC, inletC, powerW, elapsedS));
    }
    const twin = smallTwin({ hosts: [{ heat }], vms: [{ host: 0, vcpus: 4, demandMips: 4000 }] });
    advance(twin, 1);
    const [startC, startJ] = [temperatureNowC(twin, 0)!, hostEnergyNowJ(twin, 0)];
    let outJ = 0;
    for (let change = 0; change < 1000; change++) {
      const waitMs = 1 + random.integer(90_000);
      outJ += heatOutJ(
        heat,
        temperatureNowC(twin, 0)!,
        20,
        twin.state.hostPowerW[0]!,
        waitMs / 1000,
      );
      advance(twin, twin.nowMs + waitMs);
      setDemand(twin, 0, random.integer(4001));
      const inJ = hostEnergyNowJ(twin, 0) - startJ;
      balance.add((inJ - outJ - (temperatureNowC(twin, 0)! - startC) * 1000) / inJ);
    }
    return [
      {
        model: 'Temperature of a host',
        page: 'thermal',
        referee: `its differential equation by Runge–Kutta steps, ${cases} random hosts; heat in = heat out + heat kept over 1,000 changes of load`,
        error: `temperature ${apart(equation.value, 'K')}; heat ${apart(balance.value)}`,
      },
    ];
  },
};

/** C dT/dt = P − (T − Ta)/R in 2000 steps of the fourth order. */
function integrated(
  { resistanceKPerW, capacityJPerK }: Pick<HeatSpec, 'resistanceKPerW' | 'capacityJPerK'>,
  startC: number,
  inletC: number,
  powerW: number,
  elapsedS: number,
): number {
  const slope = (t: number): number => (powerW - (t - inletC) / resistanceKPerW) / capacityJPerK;
  const steps = 2000;
  const h = elapsedS / steps;
  let t = startC;
  for (let step = 0; step < steps; step++) {
    const k1 = slope(t);
    const k2 = slope(t + (h / 2) * k1);
    const k3 = slope(t + (h / 2) * k2);
    const k4 = slope(t + h * k3);
    t += (h / 6) * (k1 + 2 * k2 + 2 * k3 + k4);
  }
  return t;
}
