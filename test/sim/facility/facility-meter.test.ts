/** Energy at the wall, money and carbon against values by hand and against small slices of time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crashVm } from '../../../sim/faults/crash.ts';
import {
  advance,
  costBetween,
  costOf,
  createPolicy,
  decodeSnapshot,
  defaultObjective,
  encodeSnapshot,
  energyNowJ,
  type FacilitySpec,
  facilityNow,
  governors,
  placeVm,
  runPolicy,
  StepTrace,
  scalarCost,
  summarize,
  type Twin,
} from '../../../sim/index.ts';
import { type ClusterOptions, clusterModel, startTwin } from '../../builders.ts';
import {
  type Deed,
  doDeed,
  randomCluster,
  randomDeeds,
  randomDeedsAndFailures,
  tries,
} from '../random-cluster.ts';

const trace = (times: number[], values: number[], repeat = false): StepTrace =>
  new StepTrace(Float64Array.from(times), Float64Array.from(values), {
    outside: repeat ? 'wrap' : 'clamp',
  });
const minute = 60_000;

/** One host at 150 W: 2 of its 4 cores are busy. */
const busy = (facility: FacilitySpec, hosts = 1): ClusterOptions => ({
  hosts,
  vms: [{ demandMips: 2000, host: 0 }],
  facility,
});

describe('a facility by hand', () => {
  it('emits 150 W × 10 min at 80 g/kWh, then at 120 g/kWh: 2 g + 3 g', () => {
    const carbonGPerKwh = trace([0, 10 * minute], [80, 120]);
    const twin = startTwin(busy({ carbonGPerKwh }));
    advance(twin, 10 * minute);
    expect(facilityNow(twin)?.carbonKg).toBeCloseTo(0.002, 15);
    advance(twin, 20 * minute);
    expect(facilityNow(twin)?.carbonKg).toBeCloseTo(0.005, 15);
    // Without a price nothing has cost anything.
    expect(costOf(twin)).toEqual({
      energyKwh: 0.05,
      lostVcpuHours: 0,
      migrations: 0,
      carbonKg: expect.closeTo(0.005, 15),
    });
  });

  it('takes 1.25 × 150 W + 12.5 W from the wall and pays for that', () => {
    const twin = startTwin(
      busy({ pue: 1.25, fixedW: 12.5, pricePerKwh: trace([0], [0.3]), currency: 'EUR' }),
    );
    advance(twin, 60 * minute);
    const { summary, cost } = summarize(twin);
    expect(summary.energyKwh).toBeCloseTo(0.15, 15);
    expect(summary.facility).toEqual({
      energyKwh: expect.closeTo(0.2, 14),
      meanPue: expect.closeTo(4 / 3, 14),
      currency: 'EUR',
      electricity: expect.closeTo(0.06, 14),
    });
    expect(cost.money).toBeCloseTo(0.06, 14);
    expect(cost.carbonKg).toBeUndefined();
    // A constant price needs no events.
    expect(twin.timers.end - twin.timers.facility).toBe(0);
  });

  it('cools more while it is warm outside: 10 K above 20 °C at 0.01 per K for half the hour', () => {
    const outsideC = trace([0, 30 * minute], [15, 30]);
    const twin = startTwin(busy({ pue: 1.2, cooling: { perK: 0.01, aboveC: 20 }, outsideC }));
    advance(twin, 60 * minute);
    expect(facilityNow(twin)?.energyKwh).toBeCloseTo(0.075 * 1.2 + 0.075 * 1.3, 14);
  });

  it('gets money back at negative prices, and repeats a trace for ever', () => {
    const pricePerKwh = trace([0, 10 * minute], [0.2, -0.1], true);
    const twin = startTwin(busy({ pricePerKwh }));
    advance(twin, 10 * 60 * minute);
    expect(facilityNow(twin)?.electricity).toBeCloseTo(30 * 0.025 * (0.2 - 0.1), 12);
  });

  it('earns per VM, vCPU and GiB while a VM has a host, and forgoes it while it waits', () => {
    const tariff = { perVmHour: 1, perVcpuHour: 0.5, perGibHour: 0.25, perLostVcpuHour: 10 };
    const twin = startTwin({
      hosts: 1,
      vms: [
        // 1 + 2 × 0.5 + 2 × 0.25 = 2.5 per hour, for one hour of the two.
        { host: 0, departureS: 3600 },
        // Waits for ever: 1 + 4 × 0.5 + 4 × 0.25 = 4 per hour from half an hour on.
        { arrivalS: 1800, vcpus: 4, memoryGib: 4, demandMips: 1000 },
        // Not yet there.
        { arrivalS: 9000 },
      ],
      facility: { tariff, pricePerKwh: trace([0], [0.1]), currency: 'USD' },
    });
    advance(twin, 120 * minute);
    const { summary, cost } = summarize(twin);
    // 1000 MIPS of vCPUs of 1000 MIPS, asked for during 1.5 h.
    expect(cost.lostVcpuHours).toBeCloseTo(1.5, 12);
    expect(summary.facility).toMatchObject({
      revenue: expect.closeTo(2.5, 12),
      forgone: expect.closeTo(6, 12),
      penalty: expect.closeTo(15, 12),
      electricity: expect.closeTo(0.02, 12),
      profit: expect.closeTo(2.5 - 15 - 0.02, 12),
    });
    expect(cost.money).toBeCloseTo(6 + 15 + 0.02, 12);
  });

  it('earns nothing while a VM restarts after a crash, whenever that is looked at', () => {
    const tariff = { perVmHour: 1, perVcpuHour: 0, perGibHour: 0, perLostVcpuHour: 0 };
    const twin = startTwin({
      hosts: 1,
      vms: [{ host: 0 }, { host: 0, departureS: 6000 }],
      faults: { restartMs: 30 * minute },
      facility: { tariff },
    });
    const hours = (): (number | undefined)[] => {
      const { facility } = summarize(twin.fork()).summary;
      return [facility?.revenue, facility?.forgone].map((sum) => Math.round(sum! * 60));
    };
    advance(twin, 60 * minute);
    crashVm(twin, 0);
    advance(twin, 70 * minute);
    expect(hours()).toEqual([60 + 70, 10]);
    // Ready to be placed after 30 min, placed after 40.
    advance(twin, 95 * minute);
    expect(hours()).toEqual([60 + 95, 35]);
    crashVm(twin, 1);
    advance(twin, 100 * minute);
    expect(placeVm(twin, 0, 0)).toBeUndefined();
    // The other ends 5 min after its crash.
    advance(twin, 120 * minute);
    expect(hours()).toEqual([60 + 20 + 95, 40 + 5]);
  });

  it('refuses what is no facility', () => {
    const made = (facility: FacilitySpec) => () => startTwin(busy(facility));
    expect(made({ pue: 0.9 })).toThrow('PUE 0.9');
    expect(made({ fixedW: -1 })).toThrow('-1 W');
    expect(made({ cooling: { perK: 0.1, aboveC: 20 } })).toThrow('cooling needs a temperature');
    expect(made({ pricePerKwh: trace([0, 0.5], [1, 2]) })).toThrow('price changes at 0.5 ms');
  });
});

/** Steps at whole seconds. */
const steps = (min: number, max: number): fc.Arbitrary<StepTrace> =>
  fc
    .record({
      gapsS: fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 6 }),
      values: fc.array(fc.double({ min, max, noNaN: true }), { minLength: 7, maxLength: 7 }),
      repeat: fc.boolean(),
      startS: fc.integer({ min: -100, max: 0 }),
    })
    .map(({ gapsS, values, repeat, startS }) => {
      const times = [startS * 1000];
      for (const gap of gapsS) times.push(times.at(-1)! + gap * 1000);
      return new StepTrace(
        Float64Array.from(times),
        Float64Array.from(values.slice(0, times.length)),
        {
          outside: repeat ? 'wrap' : 'clamp',
          endMs: times.at(-1)! + 7000,
        },
      );
    });

const randomFacility: fc.Arbitrary<FacilitySpec> = fc
  .record({
    pue: fc.double({ min: 1, max: 3, noNaN: true }),
    fixedW: fc.constantFrom(0, 55),
    outsideC: steps(-10, 40),
    pricePerKwh: steps(-0.1, 0.9),
    carbonGPerKwh: steps(0, 900),
  })
  .map((spec) => ({ ...spec, cooling: { perK: 0.02, aboveC: 18 } }));

/** Lets time pass in slices that end at every whole second, billing each at its beginning's rates. */
class SlowMeter {
  wallJ = 0;
  money = 0;
  carbonG = 0;
  readonly #twin: Twin;
  readonly #facility: FacilitySpec;

  constructor(twin: Twin, facility: FacilitySpec) {
    this.#twin = twin;
    this.#facility = facility;
  }

  pass(waitMs: number): void {
    const untilMs = this.#twin.nowMs + waitMs;
    while (this.#twin.nowMs < untilMs) {
      this.#slice(Math.min(untilMs, (Math.floor(this.#twin.nowMs / 1000) + 1) * 1000));
    }
  }

  #slice(untilMs: number): void {
    const { pue = 1, fixedW = 0, outsideC, pricePerKwh, carbonGPerKwh } = this.#facility;
    const fromMs = this.#twin.nowMs;
    const beforeJ = energyNowJ(this.#twin);
    advance(this.#twin, untilMs);
    const hostsJ = energyNowJ(this.#twin) - beforeJ;
    const warmK = Math.max(0, outsideC!.at(fromMs) - 18);
    const wallJ = (pue + 0.02 * warmK) * hostsJ + (fixedW * (untilMs - fromMs)) / 1000;
    this.wallJ += wallJ;
    this.money += (wallJ / 3.6e6) * pricePerKwh!.at(fromMs);
    this.carbonG += (wallJ / 3.6e6) * carbonGPerKwh!.at(fromMs);
  }
}

describe('whatever happens to the cluster', () => {
  it('the bill is that of slices of a second, and the run the same as without a facility', () => {
    fc.assert(
      fc.property(randomCluster, randomFacility, randomDeeds, (cluster, facility, deeds) => {
        const twin = startTwin({ ...cluster, facility }, 1, governors);
        const plain = startTwin(cluster, 1, governors);
        const slow = new SlowMeter(plain, facility);
        const start = startTwin({ ...cluster, facility }, 1, governors);
        for (const deed of deeds) {
          doDeed(twin, deed);
          slow.pass(deed.waitMs);
          doDeed(plain, { ...deed, waitMs: 0 });
        }
        const reading = facilityNow(twin)!;
        const scale = Math.max(1e-6, slow.wallJ / 3.6e6);
        expect(Math.abs(reading.energyKwh - slow.wallJ / 3.6e6) / scale).toBeLessThan(1e-10);
        expect(Math.abs(reading.electricity - slow.money) / scale).toBeLessThan(1e-10);
        expect(Math.abs(reading.carbonKg - slow.carbonG / 1000) / scale).toBeLessThan(1e-10);
        expect(energyNowJ(twin)).toBe(energyNowJ(plain));
        expect([...twin.state.hostEnergyJ]).toEqual([...plain.state.hostEnergyJ]);
        expect([...twin.state.vmShortMi]).toEqual([...plain.state.vmShortMi]);
        expect(facilityNow(start)).toEqual({ energyKwh: 0, electricity: 0, carbonKg: 0 });
      }),
      tries(120),
    );
  });

  it('forks and snapshots go on as if nothing had been', () => {
    fc.assert(
      fc.property(
        randomCluster,
        randomFacility,
        randomDeeds,
        randomDeedsAndFailures,
        (cluster, facility, past, future) => {
          const options = { ...cluster, facility };
          const twin = startTwin(options, 1, governors);
          for (const deed of past) doDeed(twin, deed);
          const bytes = encodeSnapshot(twin);
          const restored = decodeSnapshot(bytes, clusterModel(options), 'snapshot', governors);
          const fork = twin.fork();
          for (const other of [twin, restored, fork]) {
            for (const deed of future) doDeed(other, deed);
          }
          expect(restored.state.equals(twin.state)).toBe(true);
          expect(fork.state.equals(twin.state)).toBe(true);
          expect(facilityNow(restored)).toEqual(facilityNow(twin));
        },
      ),
      tries(60),
    );
  });

  it('revenue earned and forgone are those of looking every second', () => {
    const tariff = { perVmHour: 0.5, perVcpuHour: 1, perGibHour: 2, perLostVcpuHour: 0 };
    fc.assert(
      fc.property(randomCluster, randomDeedsAndFailures, (cluster, deeds) => {
        const twin = startTwin({ ...cluster, facility: { tariff } }, 1, governors);
        const slow = lookEverySecond(twin, deeds);
        const { facility } = summarize(twin).summary;
        const perHour = 0.5 + 3 + 2 * 2;
        // A VM comes or goes at most twice between two looks.
        const slackS = 2 * twin.model.vms;
        expect(Math.abs(facility!.revenue! - slow.earned)).toBeLessThan((slackS * perHour) / 3600);
        expect(Math.abs(facility!.forgone! - slow.forgone)).toBeLessThan((slackS * perHour) / 3600);
      }),
      tries(40),
    );
  });
});

function lookEverySecond(
  twin: Twin,
  deeds: readonly Deed[],
): { readonly earned: number; readonly forgone: number } {
  const { vcpus, memoryBytes } = twin.model.workload;
  let earned = 0;
  let forgone = 0;
  for (const deed of deeds) {
    for (let leftMs = deed.waitMs; leftMs > 0; leftMs -= 1000) {
      const sliceMs = Math.min(1000, leftMs);
      for (let vm = 0; vm < twin.model.vms; vm++) {
        const perHour = 0.5 + vcpus[vm]! + 2 * (memoryBytes[vm]! / 2 ** 30);
        const host = twin.state.vmHost[vm]!;
        if (host === twin.model.limbo) forgone += (perHour * sliceMs) / 3.6e6;
        else if (host >= 0) earned += (perHour * sliceMs) / 3.6e6;
      }
      advance(twin, twin.nowMs + sliceMs);
    }
    doDeed(twin, { ...deed, waitMs: 0 });
  }
  return { earned, forgone };
}

describe('the objective', () => {
  it('adds money and carbon at their weights, and nothing without them', () => {
    const cost = { energyKwh: 3, lostVcpuHours: 0.5, migrations: 10, money: 7, carbonKg: 11 };
    const plain = scalarCost(cost, defaultObjective);
    expect(plain).toBe(scalarCost({ ...cost, money: 1e9, carbonKg: 1e9 }, defaultObjective));
    const weighted = { ...defaultObjective, moneyPerUnit: 2, carbonPerKg: 0.25 };
    expect(scalarCost(cost, weighted)).toBe(plain + 14 + 2.75);
    const { money: _, carbonKg: __, ...bare } = cost;
    expect(scalarCost(bare, weighted)).toBe(plain);
  });

  it('of two halves is that of the whole', () => {
    const facility = { pricePerKwh: trace([0, minute], [1, 3]), carbonGPerKwh: trace([0], [200]) };
    const twin = startTwin(busy(facility));
    const start = costOf(twin);
    advance(twin, 7 * minute);
    const middle = costOf(twin);
    advance(twin, 20 * minute);
    const end = costOf(twin);
    const whole = costBetween(start, end);
    expect(costBetween(start, middle).money! + costBetween(middle, end).money!).toBeCloseTo(
      whole.money!,
      12,
    );
    expect(whole.carbonKg).toBeCloseTo(0.15 * (20 / 60) * 0.2, 12);
  });

  it('of a run is its cost at the weights given', () => {
    const facility = { pricePerKwh: trace([0], [0.5]), carbonGPerKwh: trace([0], [400]) };
    const run = (objective: typeof defaultObjective) =>
      runPolicy(startTwin(busy(facility)), createPolicy('all-on', 'policy'), {
        untilMs: 60 * minute,
        decisionEveryMs: 5 * minute,
        objective,
      });
    const base = run(defaultObjective);
    const green = run({ ...defaultObjective, carbonPerKg: 10 });
    expect(green.objective - base.objective).toBeCloseTo(10 * 0.15 * 0.4, 12);
  });
});
