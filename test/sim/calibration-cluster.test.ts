import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bases, shapes } from '../../sim/calibration/basis.ts';
import {
  type ClusterTelemetry,
  dayMs,
  fitClusterPower,
  tablePower,
  withoutGlitches,
} from '../../sim/calibration/cluster-power.ts';
import {
  integrateLoad,
  replayTasks,
  type TaskLoad,
  windowEdges,
  windowLoads,
} from '../../sim/calibration/load-replay.ts';
import { timeFolds } from '../../sim/calibration/model-choice.ts';
import { predictRows } from '../../sim/calibration/robust-fit.ts';
import { predictAhead, rollPower } from '../../sim/calibration/rolling-power.ts';
import { predictionError } from '../../sim/calibration/statistics.ts';
import { RandomStream } from '../../sim/numbers/rng.ts';

interface PlainTask {
  readonly submissionMs: number;
  readonly fragments: readonly (readonly [ms: number, mhz: number])[];
}

const capacityMhz = 1000;
const stepMs = 120_000;

function loadOf(tasks: readonly PlainTask[]): TaskLoad {
  const fragmentStart = [0];
  for (const { fragments } of tasks) fragmentStart.push(fragmentStart.at(-1)! + fragments.length);
  const all = tasks.flatMap(({ fragments }) => fragments);
  return {
    submissionMs: tasks.map(({ submissionMs }) => submissionMs),
    capacityMhz: tasks.map(() => capacityMhz),
    fragmentStart,
    fragmentMs: all.map(([ms]) => ms),
    fragmentMhz: all.map(([, mhz]) => mhz),
  };
}

const taskList = fc
  .array(
    fc.record({
      submissionMs: fc.integer({ min: 0, max: 60 }),
      fragments: fc.array(
        fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 1000 })),
        { maxLength: 4 },
      ),
    }),
    { maxLength: 12 },
  )
  .map((tasks) => tasks.sort((a, b) => a.submissionMs - b.submissionMs));

describe('the replay', () => {
  it('lets tasks wait in order while no host is free', () => {
    const tasks = loadOf([
      { submissionMs: 0, fragments: [[10, 500]] },
      { submissionMs: 1, fragments: [[2, 500]] },
      { submissionMs: 2, fragments: [[5, 500]] },
      { submissionMs: 2, fragments: [] },
      { submissionMs: 2, fragments: [[1, 500]] },
      { submissionMs: 30, fragments: [[1, 500]] },
    ]);
    const { startMs, waited, hostsMax, withoutFragments } = replayTasks(tasks, 2);
    // Hosts are free at 3 (task 1) and 8 (task 2); the first in the queue takes each.
    expect(Array.from(startMs)).toEqual([0, 1, 3, Number.NaN, 8, 30]);
    expect({ waited, hostsMax, withoutFragments }).toEqual({
      waited: 2,
      hostsMax: 2,
      withoutFragments: 1,
    });
  });

  it('never runs more tasks than hosts, and agrees with a plain list of free times', () => {
    fc.assert(
      fc.property(taskList, fc.integer({ min: 1, max: 4 }), (tasks, hosts) => {
        const { startMs } = replayTasks(loadOf(tasks), hosts);
        const free = new Array<number>(hosts).fill(0);
        let last = 0;
        tasks.forEach(({ submissionMs, fragments }, index) => {
          if (fragments.length === 0) return;
          free.sort((a, b) => a - b);
          const start = Math.max(submissionMs, free[0]!, last);
          expect(startMs[index]).toBe(start);
          free[0] = start + fragments.reduce((sum, [ms]) => sum + ms, 0);
          last = start;
        });
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('gives exact means of functions of each host, not of their sum', () => {
    const used = shapes.filter(({ name }) => ['u', 'sqrt', 'u50'].includes(name));
    fc.assert(
      fc.property(
        taskList,
        fc.constantFrom(0, -3, 4),
        fc.constantFrom(5, 7),
        (tasks, lag, width) => {
          const load = loadOf(tasks);
          const { startMs } = replayTasks(load, 3);
          const stamps = Float64Array.from([10, 20, 33, 60, 200]);
          const window = { lagMs: lag, widthMs: width };
          const integrals = integrateLoad(load, startMs, used, windowEdges(stamps, [window]));
          const means = windowLoads(integrals, stamps, window);
          stamps.forEach((stamp, sample) => {
            // All times are whole, so milliseconds can be counted one by one.
            const sums = [0, 0, 0, 0];
            for (let ms = stamp + lag - width; ms < stamp + lag; ms++) {
              tasks.forEach(({ fragments }, task) => {
                let at = startMs[task]!;
                for (const [length, mhz] of fragments) {
                  if (ms >= at && ms < at + length) {
                    sums[0]!++;
                    used.forEach((shape, index) => {
                      sums[index + 1]! += shape.of(mhz / capacityMhz);
                    });
                  }
                  at += length;
                }
              });
            }
            sums.forEach((sum, column) => {
              expect(means[sample * 4 + column]).toBeCloseTo(sum / width, 9);
            });
          });
        },
      ),
      { seed: 2, numRuns: 200 },
    );
  });
});

/** Days of a small cluster whose meter follows `curve`, with noise and perhaps drift. */
function simulated(options: {
  readonly days: number;
  readonly curve: (u: number) => number;
  readonly idleW: number;
  readonly noise: number;
  readonly hosts?: number;
  readonly drift?: (day: number) => number;
}): ClusterTelemetry {
  const { days, curve, idleW, noise, hosts = 20, drift = () => 1 } = options;
  const random = new RandomStream(17, 'cluster');
  const tasks: PlainTask[] = [];
  for (let at = 0; at < days * dayMs; at += 900_000) {
    if (random.float() < 0.25) continue;
    const fragments = Array.from(
      { length: 4 + random.integer(40) },
      () => [300_000, 1000 * random.float()] as const,
    );
    tasks.push({ submissionMs: at + random.integer(600) * 1000, fragments });
  }
  tasks.sort((a, b) => a.submissionMs - b.submissionMs);
  const load = loadOf(tasks);
  const { startMs } = replayTasks(load, hosts);
  const timestampMs = Float64Array.from(
    { length: (days * dayMs) / stepMs },
    (_, i) => stepMs * (i + 1),
  );
  const window = { lagMs: 0, widthMs: stepMs };
  const shape = [{ name: 'truth', formula: '', of: curve }];
  const integrals = integrateLoad(load, startMs, shape, windowEdges(timestampMs, [window]));
  const loads = windowLoads(integrals, timestampMs, window);
  const powerW = timestampMs.map(
    (time, row) =>
      (hosts * idleW + loads[2 * row + 1]!) * drift(time / dayMs) * (1 + noise * random.normal()),
  );
  return { hosts, tasks: load, startMs, timestampMs, powerW };
}

const how = { fitDays: 2, loss: 'relative-absolute', foldMs: 6 * 3_600_000 } as const;

describe('the fit to a cluster', () => {
  it('recovers basis and watts of simulated truth within 1 % of full power, at 2 % noise', () => {
    const telemetry = simulated({
      days: 4,
      idleW: 30,
      noise: 0.02,
      curve: (u) => 140 * (2 * Math.sqrt(u) - u),
    });
    const fit = fitClusterPower(telemetry, how);
    expect(fit.window).toEqual({ lagMs: -0, widthMs: stepMs });
    const table = [0, 0.25, 0.5, 1].map((u) => 30 + 140 * (2 * Math.sqrt(u) - u));
    const shapePower = (u: number): number =>
      fit.basis.shapes.reduce(
        (sum, shape, index) =>
          sum + fit.coefficients[index + 1 + (fit.basis.busy ? 1 : 0)]! * shape.of(u),
        fit.coefficients[0]! + (fit.basis.busy && u > 0 ? fit.coefficients[1]! : 0),
      );
    [0, 0.25, 0.5, 1].forEach((u, index) => {
      expect(Math.abs(shapePower(u) - table[index]!)).toBeLessThan(1.7);
    });
    // Mean of |normal| is 0.798 standard deviations: no fit to this noise can do better.
    const test = predictionError(
      telemetry.powerW.subarray(fit.fitRows),
      predictRows(fit.design, fit.coefficients).subarray(fit.fitRows),
    );
    expect(test.mape).toBeLessThan(1.05 * 0.798 * 2);
    expect(Math.abs(test.bias)).toBeLessThan(0.2);
  });

  it('is not led astray by missing samples, dead readings and spikes on the fit days', () => {
    const clean = simulated({ days: 2.5, idleW: 30, noise: 0.01, curve: (u) => 100 * u });
    const chance = new RandomStream(5, 'glitches');
    const fitRows = (2 * dayMs) / stepMs;
    const rows = Array.from(clean.powerW, (_, row) => row).filter(
      (row) => row >= fitRows || chance.float() > 0.05,
    );
    const broken = {
      ...clean,
      timestampMs: Float64Array.from(rows, (row) => clean.timestampMs[row]!),
      powerW: Float64Array.from(rows, (row) => {
        const kind = row < fitRows ? chance.float() : 1;
        return kind < 0.02 ? 3 * clean.powerW[row]! : kind < 0.04 ? 1 : clean.powerW[row]!;
      }),
    };
    const cleaned = withoutGlitches(broken, 2);
    const dropped = broken.powerW.length - cleaned.powerW.length;
    expect(dropped / fitRows).toBeGreaterThan(0.03);
    expect(dropped / fitRows).toBeLessThan(0.05);
    const fit = fitClusterPower(cleaned, how);
    expect(fit.basis.name).toBe('linear');
    expect(Math.abs(fit.coefficients[0]! / 30 - 1)).toBeLessThan(0.01);
    expect(Math.abs(fit.coefficients[1]! / 100 - 1)).toBeLessThan(0.01);
    expect(withoutGlitches(clean, 2)).toBe(clean);
  });

  it('finds a meter that speaks of the past', () => {
    const telemetry = simulated({ days: 2.2, idleW: 30, noise: 0.005, curve: (u) => 100 * u });
    const late = { ...telemetry, powerW: telemetry.powerW.slice() };
    // Each reading shows what was true two samples before.
    for (let row = 2; row < late.powerW.length; row++)
      late.powerW[row] = telemetry.powerW[row - 2]!;
    expect(fitClusterPower(late, how).window).toEqual({ lagMs: -2 * stepMs, widthMs: stepMs });
  });

  it('does not see the test days: changing them changes nothing that was chosen or fitted', () => {
    const telemetry = simulated({ days: 3, idleW: 30, noise: 0.02, curve: (u) => 100 * u });
    const fit = fitClusterPower(telemetry, how);
    const rolling = rollPower(fit.design, telemetry.timestampMs, fit.fitRows, {
      refitMs: 3_600_000,
    });
    const other = { ...telemetry, powerW: telemetry.powerW.slice() };
    for (let row = fit.fitRows; row < other.powerW.length; row++) other.powerW[row]! *= 1.5;
    const again = fitClusterPower(other, how);
    expect(again.coefficients).toEqual(fit.coefficients);
    expect(again.trials).toEqual(fit.trials);
    const rolled = rollPower(again.design, other.timestampMs, fit.fitRows, { refitMs: 3_600_000 });
    expect(rolled.trials).toEqual(rolling.trials);
    // The first test hour is predicted from before it.
    const hour = fit.fitRows + 30;
    expect(rolled.predictedW.subarray(0, hour)).toEqual(rolling.predictedW.subarray(0, hour));
    expect(rolled.predictedW[hour + 30]).not.toBe(rolling.predictedW[hour + 30]);
  });

  it('says the same with eleven points where the truth has straight lines between them', () => {
    const telemetry = simulated({ days: 2.5, idleW: 40, noise: 0, curve: (u) => 60 * u });
    const window = { lagMs: 0, widthMs: stepMs };
    const table = Float64Array.from({ length: 11 }, (_, point) => 40 + 6 * point);
    tablePower(telemetry, window, 40, table).forEach((watts, row) => {
      expect(watts).toBeCloseTo(telemetry.powerW[row]!, 6);
    });
  });

  it('cuts folds by time and joins a short last one to its neighbour', () => {
    const times = Array.from({ length: 10 }, (_, index) => index + 1);
    expect(timeFolds(times, 10, 4)).toEqual([
      { from: 0, to: 4 },
      { from: 4, to: 8 },
      { from: 8, to: 10 },
    ]);
    expect(timeFolds(times, 9, 4)).toEqual([
      { from: 0, to: 4 },
      { from: 4, to: 9 },
    ]);
  });

  it('names each basis once', () => {
    expect(new Set(bases.map(({ name }) => name)).size).toBe(bases.length);
  });
});

describe('rolling on', () => {
  const telemetry = simulated({
    days: 4,
    idleW: 30,
    noise: 0.01,
    curve: (u) => 100 * u,
    drift: (day) => 1 + 0.04 * day,
  });
  const fit = fitClusterPower(telemetry, { ...how, basis: 'linear' });
  const rolling = rollPower(fit.design, telemetry.timestampMs, fit.fitRows, { refitMs: 3_600_000 });
  const test = (predicted: Float64Array) =>
    predictionError(telemetry.powerW.subarray(fit.fitRows), predicted.subarray(fit.fitRows));

  it('follows a drift of 4 % a day that a fit made once cannot', () => {
    expect(test(predictRows(fit.design, fit.coefficients)).bias).toBeLessThan(-2);
    expect(Math.abs(test(rolling.predictedW).bias)).toBeLessThan(0.8);
    expect(test(rolling.predictedW).mape).toBeLessThan(1.3);
  });

  it.each(['workload known', 'up to the origin'] as const)(
    'predicts an hour ahead no worse than persistence: %s',
    (information) => {
      const ahead = predictAhead(fit.design, telemetry.timestampMs, fit.fitRows, rolling, {
        information,
        horizonMs: 3_600_000,
        level: 0.9,
      });
      expect(test(ahead.predictedW).mape).toBeLessThan(1.02 * test(ahead.persistenceW).mape);
    },
  );

  it('up to the origin uses nothing after it', () => {
    const horizonMs = 3_600_000;
    const options = { information: 'up to the origin', horizonMs, level: 0.9 } as const;
    const { timestampMs } = telemetry;
    const before = predictAhead(fit.design, timestampMs, fit.fitRows, rolling, options);
    const cut = fit.fitRows + 150;
    const design = {
      ...fit.design,
      features: fit.design.features.slice(),
      measured: fit.design.measured.slice(),
    };
    design.features.fill(1, 2 * cut);
    design.measured.fill(1000, cut);
    const other = rollPower(design, timestampMs, fit.fitRows, { refitMs: 3_600_000 });
    const after = predictAhead(design, timestampMs, fit.fitRows, other, options);
    // Rows up to an hour after the cut have their origin before it.
    expect(after.predictedW.subarray(0, cut + 30)).toEqual(before.predictedW.subarray(0, cut + 30));
    expect(after.predictedW[cut + 31]).not.toBe(before.predictedW[cut + 31]);
  });
});
