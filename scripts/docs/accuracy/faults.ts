/** Failures against renewal theory: the fraction of time in which hosts are not failed. */
import { advance, type LifetimeSpec, summarize } from '../../../sim/index.ts';
import { type AccuracyGroup, interval, percent } from './row.ts';
import { smallTwin } from './small-twin.ts';

const replications = 10;
const hostCount = 100;
const years = 1;
const hourMs = 3_600_000;

export const faults: AccuracyGroup = {
  name: 'faults',
  kind: 'exact',
  measure() {
    const upMs: LifetimeSpec = { type: 'weibull', mean: 200 * hourMs, shape: 0.7 };
    const downMs: LifetimeSpec = { type: 'lognormal', mean: 10 * hourMs, scv: 4 };
    const hosts = Array.from({ length: hostCount }, (_, host) => host);
    const values = Array.from({ length: replications }, (_, seed) => {
      const spec = { hosts: [{ hosts, upMs, downMs }] };
      const twin = smallTwin({ hosts: hosts.map(() => ({})), vms: [], faults: spec }, seed);
      advance(twin, years * 8760 * hourMs);
      return summarize(twin).summary.faults!.hostAvailability;
    });
    const exact = upMs.mean / (upMs.mean + downMs.mean);
    const { mean, halfWidth } = interval(values);
    return [
      {
        model: 'Failing hosts: availability',
        referee: `renewal theory: ${percent(exact, 2)}; ${replications} runs of ${hostCount} hosts over a year, Weibull times to failure, lognormal repairs`,
        error: `${percent(mean, 2)} ± ${percent(halfWidth, 2)} (95 %)`,
      },
    ];
  },
};
