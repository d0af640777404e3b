/**
 * Synthetic CPU demand. VMs belong to applications; what an application does, all its VMs feel,
 * so load rises together and a host of similar VMs overloads at once.
 *
 * Utilization of VM v of application a at time t, a fraction of the VM's capacity:
 *
 *   u(v, t) = min(1, level(v) · day(a, t) · exp(σ·x(v, t) − σ²/2) + share(v) · burst(a, t))
 *   level(v)  = min(0.95, median · exp(s·(√½·n(a) + √½·n(v))))     n: standard normal
 *   day(a, t) = (1 + A·cos(2π·(t − peak − phase(a)) / 24 h)) · (weekend ? 1 − W : 1)
 *   x(v, t)   = √c·X(t) + √g·X(a, t) + √(1 − c − g)·X(v, t)         X: unit-variance AR(1),
 *               X(t + Δ) = φ·X(t) + √(1 − φ²)·n,  φ = exp(−Δ/τ)
 *   burst(a, t) = height while a burst of a runs, else 0: starts at rate λ, ends at rate 1/mean
 *
 * The factor exp(σ·x − σ²/2) has mean 1, so noise moves no mean before the cut at 1. Time 0 is a
 * Monday, 00:00. Parameters and their sources are in `demand-profiles.ts`.
 *
 * Known error: marginals and short memory are fitted, not the joint law; real traces hold
 * sudden level shifts, cron spikes at fixed minutes and long memory that this model has not.
 *
 * Repeatable: a VM's series depends on the seed, its own number, its application's number and its
 * window only, so more VMs or another order change nothing.
 */
import { RandomStream } from '../sim/index.ts';
import type { DemandProfile } from './demand-profiles.ts';

const dayMs = 86_400_000;
const levelMax = 0.95;

/** What the VMs of one application share, over the rows [`fromStep`, `toStep`). */
export interface ApplicationLoad {
  readonly fromStep: number;
  readonly toStep: number;
  readonly phaseMs: number;
  /** The application's part of log level, standard normal. */
  readonly levelNormal: number;
  /** Unit-variance AR(1), [rows]. */
  readonly noise: Float64Array;
  /** Height of the running burst, fraction of capacity, [rows]. */
  readonly burst: Float64Array;
}

/** A seeded source of demand on one time grid. */
export interface DemandModel {
  /** Draws what application number `application` does in rows [`fromStep`, `toStep`). */
  application(application: number, fromStep: number, toStep: number): ApplicationLoad;
  /**
   * Draws the utilization of VM number `vm` in rows [`fromStep`, `toStep`), which must lie within
   * the application's rows.
   *
   * @returns Fractions in [0, 1], [toStep − fromStep].
   */
  vm(vm: number, load: ApplicationLoad, fromStep: number, toStep: number): Float64Array;
}

/** Builds the model over a grid of `steps` rows of `intervalMs`. */
export function createDemandModel(
  profile: DemandProfile,
  seed: number,
  steps: number,
  intervalMs: number,
): DemandModel {
  const memory = Math.exp(-intervalMs / profile.noiseMs);
  const clusterNoise = drawNoise(new RandomStream(seed, 'demand/cluster'), steps, memory);
  const { clusterShare, applicationShare, noiseSigma: sigma } = profile;
  const weights = {
    cluster: sigma * Math.sqrt(clusterShare),
    application: sigma * Math.sqrt(applicationShare),
    own: sigma * Math.sqrt(1 - clusterShare - applicationShare),
  };
  return {
    application(application, fromStep, toStep) {
      const stream = new RandomStream(seed, `demand/application/${application}`);
      const phaseMs = profile.phaseMs * stream.normal();
      const levelNormal = stream.normal();
      const rows = toStep - fromStep;
      const burst = drawBursts(stream, rows, intervalMs, profile);
      const noise = drawNoise(stream, rows, memory);
      return { fromStep, toStep, phaseMs, levelNormal, noise, burst };
    },
    vm(vm, load, fromStep, toStep) {
      const stream = new RandomStream(seed, `demand/vm/${vm}`);
      const isIdle = stream.float() < profile.idleFraction;
      const spread = profile.levelSigma * Math.SQRT1_2;
      const drawn = profile.levelMedian * Math.exp(spread * (load.levelNormal + stream.normal()));
      const level = isIdle ? profile.idleLevel : Math.min(levelMax, drawn);
      const burstShare = isIdle ? 0 : stream.float();
      const amplitude = isIdle ? 0 : profile.dayAmplitude;
      const noise = drawNoise(stream, toStep - fromStep, memory);
      for (let row = 0; row < noise.length; row++) {
        const step = fromStep + row;
        const shared = step - load.fromStep;
        const x =
          weights.cluster * clusterNoise[step]! +
          weights.application * load.noise[shared]! +
          weights.own * noise[row]!;
        const day = dayShape(profile, amplitude, step * intervalMs - load.phaseMs);
        const busy = level * day * Math.exp(x - (sigma * sigma) / 2);
        noise[row] = Math.min(1, busy + burstShare * load.burst[shared]!);
      }
      return noise;
    },
  };
}

/** Level of the day and week at a time since Monday 00:00, 1 on the average of a weekday. */
function dayShape(profile: DemandProfile, amplitude: number, timeMs: number): number {
  const angle = (2 * Math.PI * (timeMs - profile.peakMs)) / dayMs;
  const day = 1 + amplitude * Math.cos(angle);
  const weekday = (((Math.floor(timeMs / dayMs) % 7) + 7) % 7) + 1;
  return amplitude > 0 && weekday > 5 ? day * (1 - profile.weekendDrop) : day;
}

/** Unit-variance AR(1) of coefficient `memory`, begun in its stationary law, [rows]. */
function drawNoise(stream: RandomStream, rows: number, memory: number): Float64Array {
  const noise = new Float64Array(rows);
  const innovation = Math.sqrt(1 - memory * memory);
  let value = stream.normal();
  for (let row = 0; row < rows; row++) {
    noise[row] = value;
    value = memory * value + innovation * stream.normal();
  }
  return noise;
}

/** Heights of an application's bursts, [rows]; a burst in progress admits no second one. */
function drawBursts(
  stream: RandomStream,
  rows: number,
  intervalMs: number,
  profile: DemandProfile,
): Float64Array {
  const burst = new Float64Array(rows);
  const startChance = (profile.burstsPerDay * intervalMs) / dayMs;
  const endChance = Math.min(1, intervalMs / profile.burstMs);
  let height = 0;
  for (let row = 0; row < rows; row++) {
    const chance = stream.float();
    if (height > 0) height = chance < endChance ? 0 : height;
    else if (chance < startChance) height = profile.burstHeight * (0.5 + stream.float());
    burst[row] = height;
  }
  return burst;
}
