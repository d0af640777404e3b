/** Random hosts: every form of power, frequency, idling, sleeping and heating. */
import { governorKinds, type HostSpec, type PstateSpec } from '../../sim/index.ts';
import type { NamedGovernor } from '../../sim/model.ts';
import type { ComponentHost } from '../../sim/power/components.ts';
import type { PowerSpec } from '../../sim/power/model.ts';
import type { Dice } from './dice.ts';
import type { Feature } from './features.ts';
import { smallComponentHost } from './small-component-host.ts';

export const gib = 1024 * 1024 * 1024;

/** Dice of a feature, or nothing where the case leaves it out. */
export type Rolls = (feature: Feature, host: number) => Dice | undefined;

export interface RandomHosts {
  readonly hosts: readonly HostSpec[];
  readonly governors: readonly NamedGovernor[];
  /** Shortest time between events that come by themselves, per host, ms; Infinity for none. */
  readonly shortestMs: number;
}

/** @param spanMs Length of the story, which periods are chosen to suit. */
export function randomHosts(dice: Dice, rolls: Rolls, spanMs: number): RandomHosts {
  const governors: NamedGovernor[] = [];
  const hosts = dice.list(dice.integer(1, 5), (index) => {
    const spec = plainHost(dice, index);
    return {
      ...spec,
      ...frequencyOf(rolls, index, spec, spanMs, governors),
      ...restOf(rolls, index, spec, spanMs),
    };
  });
  const shortestMs = Math.min(
    ...hosts.map((host) =>
      Math.min(host.governor?.periodMs ?? Infinity, host.heat?.everyMs ?? Infinity),
    ),
  );
  return { hosts, governors, shortestMs };
}

function plainHost(dice: Dice, index: number): HostSpec {
  const cores = dice.integer(1, 8);
  const count = dice.pick([1, 1, 2, 3, 6]);
  const top = dice.pick([500, 1000, 2660]);
  const pstates = dice.list(count, (pstate): PstateSpec => {
    const share = 1 - (0.6 * pstate) / count;
    const idleW = 100 - 8 * pstate;
    return {
      coreMips: Math.round(top * share),
      idleW,
      epsilonW: idleW + dice.pick([0, 0, 3]),
      fullW: Math.max(idleW + 5, 250 * share),
    };
  });
  return {
    name: `host-${index}`,
    cores,
    memoryBytes: dice.integer(4, 24) * gib,
    pstates,
    offW: dice.pick([0, 5]),
    bootMs: dice.pick([0, 1, 7_000, 90_000]),
    bootW: 150,
    shutdownMs: dice.pick([0, 1, 3_000, 50_000]),
    shutdownW: 120,
    initialPstate: dice.integer(0, count - 1),
    initiallyOn: dice.chance(0.85),
  };
}

function frequencyOf(
  rolls: Rolls,
  index: number,
  spec: HostSpec,
  spanMs: number,
  governors: NamedGovernor[],
): Partial<HostSpec> {
  const domains = rolls('domains', index)?.pick([1, 1, 2, spec.cores]) ?? 1;
  const slow = rolls('transitions', index)?.pick([
    {},
    { latencyMs: 0.05, haltMs: 0.01 },
    { latencyMs: 0.5, haltMs: 0.5, gridMs: 0.5 },
    { latencyMs: spanMs / 500, haltMs: spanMs / 1500, gridMs: spanMs / 200 },
    { latencyMs: spanMs / 20 },
  ]);
  const dice = rolls('governors', index);
  const governor = dice?.maybe(0.6, () => {
    const named = randomGovernor(dice);
    governors.push(named);
    const rule = governorKinds.find((kind) => kind.name === named.name)!;
    const slots = rule.create(named.options).slots ?? 0;
    const periodMs = Math.max(spanMs / 600, dice.pick([4, 10, 80, 1_000, 10_000, 60_000]));
    return { rule: governors.length - 1, periodMs, slots };
  });
  return {
    frequency: { ...slow, domains: spec.cores % domains === 0 ? domains : 1 },
    ...(governor === undefined ? {} : { governor }),
  };
}

/** Any rule; tunables that it does not know are left out. */
function randomGovernor(dice: Dice): NamedGovernor {
  const kind = dice.pick(governorKinds);
  const tunables: Readonly<Record<string, readonly unknown[]>> = {
    up_threshold: [30, 50, 80, 95, 100],
    down_threshold: [0, 20],
    freq_step: [5, 30, 100],
    sampling_down_factor: [1, 2, 10],
    powersave_bias: [0, 100, 500],
    table_order: ['ascending', 'descending'],
    rate_limit_us: [0, 1000, 500_000],
    uclamp_min: [0, 30],
    uclamp_max: [60, 100],
    setspeed: [0, 1_000_000],
    no_turbo: [false, true],
    nominal_mhz: [0, 800],
    half_life_ms: [1, 4, 4000],
    energy_performance_preference: ['performance', 'balance_power', 'power', 0, 128, 255],
  };
  const options: Record<string, unknown> = {};
  for (const name of Object.keys(kind.options.shape)) {
    const values = tunables[name];
    if (values !== undefined && dice.chance(0.5)) options[name] = dice.pick(values);
  }
  return { name: kind.name, options };
}

function restOf(rolls: Rolls, index: number, spec: HostSpec, spanMs: number): Partial<HostSpec> {
  const sleep = rolls('sleep', index)?.pick([
    undefined,
    { suspendMs: 3_000, suspendW: 90, asleepW: 7, resumeMs: 8_000, resumeW: 120 },
    { suspendMs: 0, suspendW: 90, asleepW: 0, resumeMs: 0, resumeW: 0 },
  ]);
  const heat = heatOf(rolls('heat', index), spanMs);
  const power = powerOf(rolls('curves', index), spec);
  const parts = partsOf(rolls('parts', index), spec);
  return {
    ...(sleep === undefined ? {} : { sleep }),
    ...(heat === undefined ? {} : { heat }),
    ...power,
    ...parts,
  };
}

function heatOf(dice: Dice | undefined, spanMs: number): HostSpec['heat'] {
  return dice?.maybe(0.4, () => ({
    resistanceKPerW: dice.pick([0.1, 0.25]),
    capacityJPerK: dice.pick([50, 500, 5000]),
    inletC: dice.pick([18, 24, 40]),
    everyMs: Math.max(spanMs / 300, dice.pick([1_000, 10_000])),
    ...(dice.chance(0.6) ? { limitC: dice.integer(42, 70) } : {}),
    ...(dice.chance(0.3) ? { hysteresisK: dice.pick([0, 1, 10]) } : {}),
  }));
}

/** Analytic forms, tables and SPEC curves; tables only where there is one P-state. */
function powerOf(dice: Dice | undefined, spec: HostSpec): Partial<HostSpec> {
  if (dice === undefined || dice.chance(0.4)) return {};
  const idleW = 80;
  const fullW = 220;
  const forms: readonly PowerSpec[] = [
    { kind: 'triple', idleW, epsilonW: 90, fullW },
    { kind: 'sqrt', idleW, fullW },
    { kind: 'square', idleW, fullW },
    { kind: 'cubic', idleW, fullW },
    { kind: 'mse', idleW, fullW, parameter: 1.4 },
    { kind: 'asymptotic', idleW, fullW, parameter: 0.3 },
    { kind: 'zero-idle', of: { kind: 'linear', idleW, fullW } },
  ];
  const curveW = [60, 75, 82, 90, 98, 107, 116, 124, 133, 142, 150];
  const [first, ...others] = spec.pstates;
  if (others.length === 0 && dice.chance(0.4)) return { pstates: [{ ...first!, curveW }] };
  return { pstates: spec.pstates.map((pstate) => ({ ...pstate, power: dice.pick(forms) })) };
}

function partsOf(dice: Dice | undefined, spec: HostSpec): Partial<HostSpec> {
  if (dice === undefined || dice.chance(0.7)) return {};
  const component: ComponentHost = {
    ...smallComponentHost,
    packages: spec.cores % 2 === 0 ? 2 : 1,
    coresPerPackage: spec.cores % 2 === 0 ? spec.cores / 2 : spec.cores,
    voltage: { frequenciesHz: [0.2e9, 3e9], volts: [0.8, 1.2] },
    sharedVoltage: dice.chance(0.5),
    core: { capacitanceF: 2e-9, leakageA: 1, referenceV: 1, referenceC: 60, leakagePerK: 0.01 },
    psu: { ...smallComponentHost.psu, ratedW: 800 },
  };
  const states = [
    { name: 'C1', exitLatencyUs: 2, targetResidencyUs: 2, relativePower: 0.35 },
    { name: 'C6', exitLatencyUs: 133, targetResidencyUs: 600, relativePower: 0.02 },
  ];
  const idle = dice.maybe(0.5, () => ({
    states,
    wakeupsPerS: dice.pick([1, 100, 5_000]),
    ...(dice.chance(0.3) ? { latencyLimitUs: 10 } : {}),
  }));
  return {
    component,
    dramBytesPerS: dice.pick([0, 2e9]),
    ...(idle === undefined ? {} : { idle }),
  };
}
