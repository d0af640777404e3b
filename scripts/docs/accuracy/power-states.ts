/** Off, S3 and the ways between against sums of power × time. */
import { advance, hostEnergyNowJ, powerOff, powerOn, RandomStream } from '../../../sim/index.ts';
import { type AccuracyGroup, apart, Worst } from './row.ts';
import { smallTwin } from './small-twin.ts';

const schedules = 300;

export const powerStates: AccuracyGroup = {
  name: 'power-states',
  kind: 'exact',
  measure() {
    const random = new RandomStream(1, 'power states');
    const energy = new Worst();
    for (let index = 0; index < schedules; index++) {
      const between = (low: number, high: number): number => low + random.integer(high - low + 1);
      const host = {
        offW: between(0, 10),
        bootMs: between(1, 200_000),
        bootW: between(50, 200),
        shutdownMs: between(1, 30_000),
        shutdownW: between(50, 200),
        sleep: {
          suspendMs: between(1, 9000),
          suspendW: between(50, 200),
          asleepW: between(1, 12),
          resumeMs: between(1, 9000),
          resumeW: between(50, 200),
        },
      };
      const twin = smallTwin({ hosts: [host], vms: [] });
      let joules = 0;
      for (let cycle = 0; cycle < 6; cycle++) {
        const to = random.integer(2) === 0 ? 'S3' : 'S5';
        const [onMs, downMs] = [between(1, 500_000), between(1, 500_000)];
        const { suspendMs, suspendW, asleepW, resumeMs, resumeW } = host.sleep;
        advance(twin, twin.nowMs + onMs);
        powerOff(twin, 0, to);
        advance(twin, twin.nowMs + (to === 'S3' ? suspendMs : host.shutdownMs) + downMs);
        powerOn(twin, 0);
        advance(twin, twin.nowMs + (to === 'S3' ? resumeMs : host.bootMs));
        joules += (100 * onMs) / 1000;
        joules +=
          to === 'S3'
            ? (suspendW * suspendMs + asleepW * downMs + resumeW * resumeMs) / 1000
            : (host.shutdownW * host.shutdownMs + host.offW * downMs + host.bootW * host.bootMs) /
              1000;
      }
      energy.addRelative(hostEnergyNowJ(twin, 0), joules);
    }
    return [
      {
        model: 'Host power states, S3 and S5',
        page: 'host-power-states',
        referee: `sums by hand, ${schedules} random schedules of six cycles`,
        error: `energy ${apart(energy.value)}`,
      },
    ];
  },
};
