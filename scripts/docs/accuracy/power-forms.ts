/** Curves of power: measured points kept, closed forms against the formulas as they are written. */
import { advance, hostPresets } from '../../../sim/index.ts';
import { analyticCode, analyticForms, analyticPowerW } from '../../../sim/power/analytic.ts';
import { type AccuracyGroup, apart, Worst } from './row.ts';
import { smallTwin } from './small-twin.ts';

/** With P(0) = low and R = full − low. */
const formulas: Readonly<
  Record<string, (u: number, low: number, range: number, p: number) => number>
> = {
  constant: (_, low, range) => low + range,
  linear: (u, low, range) => low + range * u,
  sqrt: (u, low, range) => low + range * u ** 0.5,
  square: (u, low, range) => low + range * u ** 2,
  cubic: (u, low, range) => low + range * u ** 3,
  mse: (u, low, range, p) => low + range * (2 * u - u ** p),
  asymptotic: (u, low, range, p) => low + (range / 2) * (1 + u - Math.exp(-u / p)),
  'asymptotic-dvfs': (u, low, range, p) =>
    low + (range / 2) * (1 + u ** 3 - Math.exp(-(u ** 3) / p)),
};

export const powerForms: AccuracyGroup = {
  name: 'power-forms',
  kind: 'exact',
  measure() {
    const forms = new Worst();
    for (const form of analyticForms) {
      const formula = formulas[form]!;
      for (let load = 0; load <= 1000; load++) {
        const u = load / 1000;
        const parameter = form === 'mse' ? 1.4 : 0.3;
        const ours = analyticPowerW(analyticCode(form), 80, 240, parameter, u);
        forms.addRelative(ours, formula(u, 80, 160, parameter));
      }
    }
    const points = new Worst();
    let measured = 0;
    for (const { pstates } of Object.values(hostPresets)) {
      const [pstate] = pstates;
      if (pstate?.curveW === undefined) continue;
      measured++;
      for (const [tenth, watts] of pstate.curveW.entries()) {
        const demandMips = 400 * tenth;
        const twin = smallTwin({
          hosts: [{ pstates: [{ ...pstate, coreMips: 1000 }] }],
          vms: [{ host: 0, vcpus: 4, demandMips }],
        });
        advance(twin, 0);
        points.addRelative(twin.state.hostPowerW[0]!, watts);
      }
    }
    return [
      {
        model: 'Power forms',
        page: 'power',
        referee: `the formulas as they are written, ${analyticForms.length} forms at 1,001 loads; the points of ${measured} measured curves in the twin`,
        error: `forms ${apart(forms.value)}; points ${apart(points.value)}`,
      },
    ];
  },
};
