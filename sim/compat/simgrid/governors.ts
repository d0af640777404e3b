/**
 * The frequency rules of SimGrid's host_dvfs plugin (3.32). Load counts cores: 0 … cores. They
 * differ from Linux's: below its threshold `ondemand` truncates the load to whole cores before it
 * scales it, and with a threshold of 0.8 cores that is always 0, so it picks the slowest P-state.
 */
import type { GovernorRule } from '../../governors/index.ts';

const upThreshold = 0.8;
const downThreshold = 0.2;

/** In the order of `simGridGovernorNames`. */
export const simGridGovernors: readonly GovernorRule[] = [
  simGridRule('performance', 'always the fastest P-state', () => 0),
  simGridRule('powersave', 'always the slowest P-state', ({ pstates }) => pstates - 1),
  simGridRule('ondemand', 'fastest above 0.8 cores', ({ meanLoad, cores, pstates }) => {
    const busyCores = meanLoad * cores;
    if (busyCores > upThreshold) return 0;
    return Math.max(0, pstates - 1 - Math.floor(busyCores) * pstates);
  }),
  simGridRule('conservative', 'one P-state at a time', ({ meanLoad, cores, pstate, pstates }) => {
    const busyCores = meanLoad * cores;
    if (busyCores > upThreshold) return Math.max(0, pstate - 1);
    if (busyCores < downThreshold) return Math.min(pstates - 1, pstate + 1);
    return pstate;
  }),
];

/** Without memory; the period comes from the scenario. */
function simGridRule(name: string, description: string, next: GovernorRule['next']): GovernorRule {
  return { name, description, periodMs: 1000, slots: 0, next };
}
