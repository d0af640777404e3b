/** What the twin foretells: of doing some actions now and nothing more until the horizon. */
import {
  type Action,
  advance,
  applyPlan,
  costBetween,
  costOf,
  defaultObjective,
  energyNowJ,
  type Objective,
  type Recorder,
  scalarCost,
  settleAll,
  type Twin,
  TwinView,
  vmStatus,
} from '../../sim/index.ts';
import type { ItemForecast, Prediction } from '../decision.ts';
import type { LiveTwin } from './live-twin.ts';

export interface PredictOptions {
  /** Intervals ahead. Default: as far as the live twin knows demand. */
  readonly horizon?: number;
  readonly objective?: Objective;
}

/** Forks are made once and written over: one for each live twin. */
const forks = new WeakMap<Twin, Twin>();

function forkOf({ twin }: LiveTwin): Twin {
  const fork = twin.fork(forks.get(twin));
  forks.set(twin, fork);
  return fork;
}

/**
 * Carries `actions` out on a fork and lets time pass. An action that the twin refuses, or that relies
 * on one that it refuses, is left out.
 */
export function predict(
  live: LiveTwin,
  actions: readonly Action[],
  options: PredictOptions = {},
): Prediction {
  return predictOn(forkOf(live), live, actions, options);
}

function predictOn(
  twin: Twin,
  live: LiveTwin,
  actions: readonly Action[],
  { horizon = live.horizon, objective = defaultObjective }: PredictOptions,
): Prediction {
  const { model, state } = twin;
  const { intervalMs } = model.workload;
  const startMs = twin.nowMs;
  const before = costOf(twin);
  applyPlan(twin, actions);
  const powerW: number[] = [];
  const hostStartJ = state.hostEnergyJ.slice();
  const peak = new Float64Array(model.hosts);
  const meters = new DemandMeters(twin);
  let energyJ = energyNowJ(twin);
  for (let step = 1; step <= horizon; step++) {
    advance(twin, startMs + step * intervalMs);
    settleAll(twin);
    const soFarJ = energyNowJ(twin);
    powerW.push((soFarJ - energyJ) / (intervalMs / 1000));
    energyJ = soFarJ;
    meters.raise(peak);
  }
  const cost = costBetween(before, costOf(twin));
  const horizonS = (horizon * intervalMs) / 1000;
  const totalJ = powerW.reduce((sum, watts) => sum + watts, 0) * (intervalMs / 1000);
  return {
    horizonS,
    energyJ: totalJ,
    meanW: totalJ / horizonS,
    powerW,
    lostVcpuS: cost.lostVcpuHours * 3600,
    cost: scalarCost(cost, objective),
    hosts: live.hostNames.map((host, id) => ({
      host,
      meanW: (state.hostEnergyJ[id]! - hostStartJ[id]!) / horizonS,
      peakUtilization: peak[id]!,
    })),
  };
}

/** Demand of each host over its capacity while it is on, interval by interval. */
class DemandMeters {
  readonly #twin: Twin;
  readonly #askedMi: Float64Array;
  readonly #capacityMi: Float64Array;

  constructor(twin: Twin) {
    this.#twin = twin;
    this.#askedMi = new Float64Array(twin.model.hosts);
    this.#capacityMi = new Float64Array(twin.model.hosts);
    this.raise(new Float64Array(twin.model.hosts));
  }

  /** Raises `peak` to the utilization asked for since the last call; the twin must be settled. */
  raise(peak: Float64Array): void {
    const { hostWorkMi, hostShortMi, hostCapacityMi } = this.#twin.state;
    for (let host = 0; host < peak.length; host++) {
      const askedMi = hostWorkMi[host]! + hostShortMi[host]!;
      const capacityMi = hostCapacityMi[host]!;
      const offeredMi = capacityMi - this.#capacityMi[host]!;
      if (offeredMi > 0) {
        peak[host] = Math.max(peak[host]!, (askedMi - this.#askedMi[host]!) / offeredMi);
      }
      this.#askedMi[host] = askedMi;
      this.#capacityMi[host] = capacityMi;
    }
  }
}

/**
 * What each action adds to the others: the plan with it less the plan without it. Of migrations also
 * how long they take among the others. The sum over all actions is not what the plan adds, as some
 * work only together (emptying a host and switching it off).
 */
export function predictItems(
  live: LiveTwin,
  actions: readonly Action[],
  options: PredictOptions = {},
): ItemForecast[] {
  const twin = forkOf(live);
  const moves = new Moves(twin);
  twin.recorder = moves;
  const whole = predictOn(twin, live, actions, options);
  twin.recorder = undefined;
  return actions.map((action, index) => {
    const without = predict(
      live,
      actions.filter((_, other) => other !== index),
      options,
    );
    return {
      energyJ: whole.energyJ - without.energyJ,
      lostVcpuS: whole.lostVcpuS - without.lostVcpuS,
      ...(action.type === 'migrate' ? moveTimes(live, moves, action) : {}),
    };
  });
}

/** As it went on the fork, or as it would go alone when the horizon came first. */
function moveTimes(
  live: LiveTwin,
  moves: Moves,
  { vm, host }: Extract<Action, { type: 'migrate' }>,
): Pick<ItemForecast, 'durationS' | 'downtimeS'> {
  const seen = moves.of(vm);
  if (seen !== undefined) return seen;
  if (live.twin.state.vmStatus[vm] !== vmStatus.running) return {};
  if (new TwinView(live.twin).hostOf(vm) === host) return {};
  const { durationS, downtimeS } = new TwinView(live.twin).expectMigration(vm, host);
  return durationS < Infinity ? { durationS, downtimeS } : {};
}

/** Notes when VMs begin to move, stand still and arrive. */
class Moves implements Recorder {
  readonly #startMs: number;
  readonly #pausedMs = new Map<number, number>();
  readonly #downMs = new Map<number, number>();
  readonly #durationS = new Map<number, number>();

  constructor(twin: Twin) {
    this.#startMs = twin.nowMs;
  }

  vmPaused(vm: number, _host: number, timeMs: number): void {
    this.#pausedMs.set(vm, timeMs);
  }

  vmResumed(vm: number, _host: number, timeMs: number): void {
    const pausedMs = this.#pausedMs.get(vm);
    if (pausedMs === undefined) return;
    this.#downMs.set(vm, (this.#downMs.get(vm) ?? 0) + timeMs - pausedMs);
    this.#pausedMs.delete(vm);
  }

  migrationEnded(vm: number, _source: number, _target: number, startMs: number, endMs: number) {
    // One that was under way before is no part of the plan.
    if (startMs >= this.#startMs) this.#durationS.set(vm, (endMs - startMs) / 1000);
  }

  /** Times of the VM's finished migration. */
  of(vm: number): { readonly durationS: number; readonly downtimeS: number } | undefined {
    const durationS = this.#durationS.get(vm);
    if (durationS === undefined) return undefined;
    return { durationS, downtimeS: (this.#downMs.get(vm) ?? 0) / 1000 };
  }
}
