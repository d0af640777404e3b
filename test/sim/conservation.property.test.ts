/** Nothing is lost and nothing comes from nowhere: energy, work, and what must hold throughout. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  advance,
  checkInvariants,
  deliveredMips,
  energyNowJ,
  governors,
  settleAll,
  type Twin,
  vmStatus,
} from '../../sim/index.ts';
import { startTwin } from '../builders.ts';
import {
  doDeed,
  randomCluster,
  randomDeeds,
  randomDeedsAndFailures,
  tries,
} from './random-cluster.ts';

const horizonMs = 2_000_000;

/** Equal but for the rounding of sums taken in another order. */
function close(actual: number, expected: number): boolean {
  return Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected));
}

it('energy over a span is the sum over its parts, wherever it is split', () => {
  const cuts = fc.array(fc.integer({ min: 0, max: horizonMs }), { maxLength: 30 });
  fc.assert(
    fc.property(randomCluster, randomDeeds, cuts, (cluster, deeds, at) => {
      const twin = startTwin(cluster, 1, governors);
      for (const deed of deeds) doDeed(twin, deed);
      const whole = twin.fork();
      const settled = twin.fork();
      const startMs = twin.nowMs;
      const startJ = energyNowJ(twin);
      advance(whole, startMs + horizonMs);
      let sumJ = 0;
      for (const cut of [...at.sort((a, b) => a - b), horizonMs]) {
        const beforeJ = energyNowJ(twin);
        advance(twin, startMs + cut);
        sumJ += energyNowJ(twin) - beforeJ;
        advance(settled, startMs + cut);
        // Reading the meters in between may round differently, no more.
        settleAll(settled);
      }
      // Stopping by the way changes nothing at all.
      expect(twin.state.equals(whole.state)).toBe(true);
      expect(close(startJ + sumJ, energyNowJ(whole))).toBe(true);
      expect(close(energyNowJ(settled), energyNowJ(whole))).toBe(true);
    }),
    tries(150),
  );
});

/** Work that VMs received, summed up event by event from the rates that held, MIPS·s. */
class WorkMeter {
  readonly #twin: Twin;
  readonly workMi: Float64Array;
  readonly #rateMips: Float64Array;
  #sinceMs: number;

  constructor(twin: Twin) {
    this.#twin = twin;
    this.workMi = new Float64Array(twin.model.vms);
    this.#rateMips = new Float64Array(twin.model.vms);
    this.#sinceMs = twin.nowMs;
    this.read();
  }

  /** Call after every change. */
  readonly read = (): void => {
    const { model, state } = this.#twin;
    const elapsedS = (this.#twin.nowMs - this.#sinceMs) / 1000;
    this.#sinceMs = this.#twin.nowMs;
    for (let vm = 0; vm < model.vms; vm++) {
      this.workMi[vm]! += this.#rateMips[vm]! * elapsedS;
      const there = state.vmHost[vm]! >= 0 && state.vmStatus[vm] !== vmStatus.departed;
      const copied = state.vmMigration[vm]! >= 0 ? 1 - model.migrationOverheadFraction : 1;
      this.#rateMips[vm] = there ? deliveredMips(this.#twin, vm) * copied : 0;
    }
  };
}

it('delivered + lost = demanded for every VM, and work never exceeds capacity', () => {
  fc.assert(
    fc.property(randomCluster, randomDeeds, (cluster, deeds) => {
      const twin = startTwin(cluster, 1, governors);
      const meter = new WorkMeter(twin);
      for (const deed of deeds) doDeed(twin, deed, meter.read);
      advance(twin, twin.nowMs + 500_000, meter.read);
      meter.read();
      settleAll(twin);
      const { model, state } = twin;
      for (let vm = 0; vm < model.vms; vm++) {
        const lost = state.vmShortMi[vm]! + state.vmDegradedMi[vm]!;
        expect(lost).toBeGreaterThanOrEqual(0);
        const accounted = meter.workMi[vm]! + lost;
        const demanded = state.vmDemandedMi[vm]!;
        expect(close(accounted, demanded), `VM ${vm}: ${accounted} of ${demanded}`).toBe(true);
      }
      for (let host = 0; host < model.hosts; host++) {
        expect(state.hostWorkMi[host]!).toBeLessThanOrEqual(
          state.hostCapacityMi[host]! * (1 + 1e-9),
        );
        expect(state.hostOverloadMs[host]!).toBeLessThanOrEqual(state.hostActiveMs[host]!);
        expect(state.hostActiveMs[host]!).toBeLessThanOrEqual(state.hostOnMs[host]! + 1e-6);
        expect(state.hostOnMs[host]!).toBeLessThanOrEqual(twin.nowMs + 1e-6);
      }
    }),
    tries(300),
  );
});

it('whatever is done, legal or not, every invariant holds after every event', () => {
  fc.assert(
    fc.property(randomCluster, randomDeedsAndFailures, (cluster, deeds) => {
      const twin = startTwin(cluster, 1, governors);
      checkInvariants(twin);
      for (const deed of deeds) doDeed(twin, deed, checkInvariants);
      advance(twin, twin.nowMs + horizonMs, checkInvariants);
    }),
    tries(600),
  );
});

it('in the end every promise is kept or dropped, and every migration slot is free again', () => {
  fc.assert(
    fc.property(randomCluster, randomDeedsAndFailures, (cluster, deeds) => {
      // Nothing dirties memory, so that every migration ends.
      const migration = { bytesPerS: 20e6, dirtyIntensity: 0, workingSetBytes: 0 };
      const twin = startTwin({ ...cluster, migration }, 1, governors);
      for (const deed of deeds) doDeed(twin, deed);
      advance(twin, twin.nowMs + 20_000_000, checkInvariants);
      const { model, state } = twin;
      expect(state.freeCount[0]).toBe(model.migrationsMax);
      for (let vm = 0; vm < model.vms; vm++) {
        expect(state.vmMigration[vm]).toBe(-1);
        expect(state.vmPlanned[vm]).toBe(-1);
      }
      for (let host = 0; host <= model.limbo; host++) {
        expect(state.hostIncoming[host]).toBe(0);
        expect(state.hostOutgoing[host]).toBe(0);
      }
    }),
    tries(200),
  );
});
