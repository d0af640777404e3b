import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fitHostPower } from '../../sim/calibration/host-power.ts';
import {
  fitMigrations,
  geometricSum,
  type MigrationRecord,
  ratioByRounds,
} from '../../sim/calibration/migration-fit.ts';
import { fitQueue } from '../../sim/calibration/queue-fit.ts';
import { RandomStream } from '../../sim/numbers/rng.ts';

const seeds = fc.integer({ min: 1, max: 1_000_000 });

describe('host power', () => {
  const curves: Readonly<Record<string, (u: number) => number>> = {
    linear: (u) => 90 + 60 * u,
    sqrt: (u) => 90 + 60 * Math.sqrt(u),
    'SPECpower-like': (u) => 60 + 50 * Math.min(1, 5 * u) + 90 * u * u,
  };

  it.each(Object.keys(curves))('%s: recovered within 2 % at the eleven points', (name) => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new RandomStream(seed, 'host');
        const utilization = Float64Array.from({ length: 800 }, () => random.float());
        const powerW = utilization.map((u) => curves[name]!(u) * (1 + 0.02 * random.normal()));
        const fit = fitHostPower({ utilization, powerW })!;
        const { epsilonW, fullW, curveW } = fit.pstates[0]!;
        for (let point = 0; point <= 10; point++) {
          const watts = curveW?.[point] ?? epsilonW + (point / 10) * (fullW - epsilonW);
          // At 0 % a steep curve has few samples nearby.
          const allowed = point === 0 ? 0.06 : 0.02;
          expect(Math.abs(watts / curves[name]!(point / 10) - 1)).toBeLessThan(allowed);
        }
        // The mean of |normal| is 0.798 standard deviations.
        expect(fit.error.mape).toBeLessThan(1.1 * 0.798 * 2);
      }),
      { seed: 1, numRuns: 2 },
    );
  });

  it('gives each frequency its triple, and knows an idle host from one with next to no load', () => {
    // SimGrid's example: idle, epsilon and full power at three speeds.
    const truth = [
      { frequencyMhz: 2600, idleW: 95, epsilonW: 120, fullW: 200 },
      { frequencyMhz: 1900, idleW: 93, epsilonW: 115, fullW: 170 },
      { frequencyMhz: 1200, idleW: 90, epsilonW: 110, fullW: 150 },
    ];
    fc.assert(
      fc.property(seeds, (seed) => {
        const random = new RandomStream(seed, 'pstates');
        const rows = Array.from({ length: 1200 }, () => {
          const pstate = truth[random.integer(3)]!;
          const u = random.float() < 0.2 ? 0 : random.float();
          const watts =
            u === 0 ? pstate.idleW : pstate.epsilonW + u * (pstate.fullW - pstate.epsilonW);
          return {
            u,
            mhz: pstate.frequencyMhz * (1 + 0.001 * random.normal()),
            watts: watts * (1 + 0.01 * random.normal()),
          };
        });
        const fit = fitHostPower({
          utilization: Float64Array.from(rows, ({ u }) => u),
          powerW: Float64Array.from(rows, ({ watts }) => watts),
          frequencyMhz: Float64Array.from(rows, ({ mhz }) => mhz),
        })!;
        expect(fit.shape).toBe('line per P-state');
        expect(fit.pstates).toHaveLength(3);
        fit.pstates.forEach((pstate, index) => {
          const real = truth[index]!;
          expect(Math.abs(pstate.frequencyMhz! / real.frequencyMhz - 1)).toBeLessThan(0.01);
          expect(Math.abs(pstate.idleW / real.idleW - 1)).toBeLessThan(0.01);
          expect(Math.abs(pstate.epsilonW / real.epsilonW - 1)).toBeLessThan(0.01);
          expect(Math.abs(pstate.fullW / real.fullW - 1)).toBeLessThan(0.01);
        });
      }),
      { seed: 2, numRuns: 10 },
    );
  });

  it('gives no fit where the load does not vary or samples are few', () => {
    const constant = new Float64Array(100).fill(0.5);
    expect(fitHostPower({ utilization: constant, powerW: constant })).toBeUndefined();
    const few = Float64Array.from([0, 0.5, 1]);
    expect(fitHostPower({ utilization: few, powerW: few })).toBeUndefined();
  });
});

describe('queues', () => {
  it('tell service time, background load and time off the CPU within 3 %', () => {
    fc.assert(
      fc.property(
        seeds,
        fc.integer({ min: 2, max: 40 }),
        fc.integer({ min: 0, max: 20 }),
        (seed, serviceMs, offCpuMs) => {
          const random = new RandomStream(seed, 'queue');
          const background = 0.05;
          const noise = (): number => 1 + 0.02 * random.normal();
          const rho = Float64Array.from({ length: 400 }, () => 0.1 + 0.8 * random.float());
          const fit = fitQueue({
            utilization: rho.map((u) => Math.min(0.96, u * (1 + 0.002 * random.normal()))),
            arrivalsPerS: rho.map((u) => ((u - background) / serviceMs) * 1000 * noise()),
            latencyMs: rho.map((u) => (serviceMs / (1 - u) + offCpuMs) * noise()),
          })!;
          expect(Math.abs(fit.serviceMs / serviceMs - 1)).toBeLessThan(0.03);
          expect(Math.abs(fit.servicesPerS * serviceMs - 1000)).toBeLessThan(30);
          expect(Math.abs(fit.serviceByLatencyMs / serviceMs - 1)).toBeLessThan(0.03);
          expect(Math.abs(fit.backgroundUtilization - background)).toBeLessThan(0.01);
          expect(Math.abs(fit.offCpuMs - offCpuMs)).toBeLessThan(0.05 * (serviceMs + offCpuMs));
        },
      ),
      { seed: 3, numRuns: 30 },
    );
  });

  it('leave out intervals without requests or at full load, and want ten others', () => {
    const nine = new Float64Array(9).fill(0.5);
    expect(fitQueue({ utilization: nine, arrivalsPerS: nine, latencyMs: nine })).toBeUndefined();
    const full = new Float64Array(50).fill(0.99);
    expect(fitQueue({ utilization: full, arrivalsPerS: full, latencyMs: full })).toBeUndefined();
  });
});

const mib = 1024 * 1024;

/** Pre-copy written down step by step: rounds until what is left fits the downtime limit. */
function migrate(
  memoryBytes: number,
  bytesPerS: number,
  dirtyPerS: number,
  limitS: number,
): { seconds: number; downtimeS: number; rounds: number; transferred: number } {
  let volume = memoryBytes;
  let seconds = 0;
  let transferred = 0;
  let copies = 0;
  while (volume > bytesPerS * limitS && copies < 30) {
    seconds += volume / bytesPerS;
    transferred += volume;
    copies++;
    volume = (dirtyPerS * volume) / bytesPerS;
  }
  transferred += volume;
  const downtimeS = volume / bytesPerS;
  return { seconds: seconds + downtimeS, downtimeS, rounds: copies, transferred };
}

describe('migrations', () => {
  it('follow the published vectors that the formulas are checked with', () => {
    // 2048 MiB at 117 MiB/s and 300 ms: D = 20: 3 rounds, 21.0 s, 87 ms; D = 60: 7 rounds, 35.6 s, 163 ms.
    const slow = migrate(2048 * mib, 117 * mib, 20 * mib, 0.3);
    expect(slow.rounds).toBe(3);
    expect(slow.seconds).toBeCloseTo(21.1, 1);
    expect(slow.downtimeS).toBeCloseTo(0.087, 3);
    const heavy = migrate(2048 * mib, 117 * mib, 60 * mib, 0.3);
    expect(heavy.rounds).toBe(7);
    expect(heavy.downtimeS).toBeCloseTo(0.163, 3);
  });

  it('tell λ from rounds alone, exactly', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.01, max: 3, noNaN: true }),
        fc.integer({ min: 1, max: 20 }),
        (ratio, rounds) => {
          const total = 1e9 * geometricSum(ratio, rounds);
          expect(ratioByRounds(1e9, total, rounds)).toBeCloseTo(ratio, 9);
        },
      ),
      { seed: 4, numRuns: 500 },
    );
    expect(ratioByRounds(1e9, 1e9, 5)).toBe(0);
  });

  it.each(['downtime', 'rounds', 'both'])(
    'tell bandwidth, overhead and dirtying within 3 %%, from %s',
    (known) => {
      fc.assert(
        fc.property(
          seeds,
          fc.double({ min: 0.1, max: 0.7, noNaN: true }),
          fc.integer({ min: 50, max: 1200 }),
          (seed, ratio, mibPerS) => {
            const random = new RandomStream(seed, 'migration');
            const records = Array.from({ length: 40 }, (): MigrationRecord => {
              const memoryBytes = (1 + random.integer(16)) * 512 * mib;
              const run = migrate(memoryBytes, mibPerS * mib, ratio * mibPerS * mib, 0.3);
              const noise = 1 + 0.01 * random.normal();
              return {
                memoryBytes,
                transferredBytes: run.transferred,
                durationMs: (1000 * run.seconds + 400) * noise,
                busyVcpus: 2,
                ...(known === 'rounds' ? {} : { downtimeMs: 1000 * run.downtimeS }),
                ...(known === 'downtime' ? {} : { rounds: run.rounds }),
              };
            });
            const fit = fitMigrations(records)!;
            expect(Math.abs(fit.bandwidthBytesPerS / (mibPerS * mib) - 1)).toBeLessThan(0.03);
            expect(Math.abs(fit.dirtyBytesPerS / fit.bandwidthBytesPerS / ratio - 1)).toBeLessThan(
              0.03,
            );
            expect(Math.abs((2 * fit.dirtyIntensity) / ratio - 1)).toBeLessThan(0.03);
            expect(fit.durationError.mape).toBeLessThan(1.2);
          },
        ),
        { seed: 5, numRuns: 30 },
      );
    },
  );

  it('give no fit from two records', () => {
    const record = { memoryBytes: 1, durationMs: 1, transferredBytes: 1 };
    expect(fitMigrations([record, record])).toBeUndefined();
  });
});
