/** The `hosts` key: its schema, and one entry as the spec of a host. */
import { z } from 'zod';
import type { Issue } from '../errors.ts';
import { InputError } from '../errors.ts';
import { createGovernor, governors } from '../governors/index.ts';
import type { FrequencySpec, HostSpec, PstateSpec } from '../hosts/host-spec.ts';
import type { NamedGovernor } from '../model.ts';
import { analyticForms, needsParameter } from '../power/analytic.ts';
import { cstateTables } from '../power/cstates.ts';
import type { PowerSpec } from '../power/model.ts';
import { hostFromPreset, hostPresets } from './host-presets.ts';
import { quantity } from './quantity-field.ts';

const whole = (minimum: number) => z.int().min(minimum);

const switching = (what: string, time: string) =>
  z
    .strictObject({
      time: quantity('duration').describe(time),
      power: quantity('power').describe('power meanwhile'),
    })
    .describe(what);

const pstate = z
  .strictObject({
    speed: quantity('speed').describe('speed of one core'),
    idle: quantity('power').describe('power without any load'),
    epsilon: quantity('power')
      .optional()
      .describe('power as load tends to 0 from above; default: idle'),
    full: quantity('power').describe('power with all cores busy'),
    curve: z
      .array(z.number().min(0))
      .length(11)
      .optional()
      .describe('W at 0, 10, …, 100 % load; replaces the line from epsilon to full'),
    form: z
      .enum(analyticForms)
      .optional()
      .describe('way from idle to full instead of the line; docs/models/power.md'),
    parameter: z.number().positive().optional().describe('r of mse, α of the asymptotic forms'),
    zeroIdle: z.boolean().optional().describe('no power at all while there is no load'),
  })
  .describe('one P-state, fastest first');

const frequency = z.strictObject({
  domains: z
    .union([z.enum(['host', 'core']), whole(1)])
    .default('host')
    .describe('what shares one frequency: the host, each core, or so many equal groups of cores'),
  latency: quantity('duration').default(0).describe('time until a new P-state holds'),
  halt: quantity('duration').default(0).describe('last part of it, in which cores stand still'),
  grid: quantity('duration').default(0).describe('requests are looked at only so often'),
});

const heat = z.strictObject({
  resistance: z.number().positive().describe('K/W from the host to its inlet air'),
  capacity: z.number().positive().describe('heat capacity, J/K'),
  inlet: z.number().default(22).describe('inlet air, °C'),
  start: z.number().optional().describe('°C at time 0; default: inlet'),
  limit: z.number().optional().describe('°C from which on the host slows down; default: never'),
  hysteresis: z.number().positive().default(3).describe('K below the limit at which it speeds up'),
  every: quantity('duration').default(10_000).describe('time between looks at the temperature'),
});

const idle = z.strictObject({
  cstates: z.enum(Object.keys(cstateTables)).describe('idle states of the CPU'),
  wakeups: z.number().min(0).default(100).describe('wake-ups of an idle core per s'),
  latency: quantity('duration').optional().describe('longest exit latency allowed; default: any'),
});

export const hostKey = z.strictObject({
  name: z.string().min(1).optional().describe('name of one host, or prefix of several'),
  count: whole(1).default(1).describe('hosts of this kind'),
  model: z
    .enum(Object.keys(hostPresets))
    .optional()
    .describe('preset; the other keys take precedence over it'),
  cores: whole(1).optional().describe('cores; needed without a model'),
  memory: quantity('size').optional().describe('memory; needed without a model'),
  pstates: z
    .array(pstate)
    .min(1)
    .optional()
    .describe('P-states, fastest first; needed without a model'),
  frequency: frequency.optional().describe('domains and P-state changes; default: one, at once'),
  governor: z
    .strictObject({
      rule: z.enum(governors.map((rule) => rule.name)).describe('frequency rule'),
      every: quantity('duration')
        .default(10_000)
        .describe('sampling period; Linux takes 4 to 10 ms, a year of days'),
      options: z
        .record(z.string(), z.unknown())
        .default({})
        .describe('tunables of the rule, by their names in Linux'),
    })
    .optional()
    .describe('frequency rule that the host runs by itself'),
  off: quantity('power').optional().describe('power while off'),
  boot: switching('switching on', 'time to boot').optional(),
  shutdown: switching('switching off', 'time to shut down').optional(),
  sleep: z
    .strictObject({
      suspend: switching('going to sleep', 'time to suspend'),
      power: quantity('power').describe('power while asleep'),
      resume: switching('waking up', 'time to resume'),
    })
    .optional()
    .describe('suspend to memory (S3) instead of shutting down (S5); default: it cannot'),
  heat: heat.optional().describe('temperature; default: not modelled'),
  idle: idle.optional().describe('C-states of a preset that is described by its parts'),
  on: z.boolean().default(true).describe('whether the host is on at the start'),
  vms: z.array(z.string()).default([]).describe('names of the VMs that are there at the start'),
  pins: z
    .record(z.string(), whole(0))
    .default({})
    .describe('first core of a VM by its name, where there are several frequency domains'),
});

export type HostEntry = z.output<typeof hostKey>;

/** Collects the rules that hosts name; equal ones count once. */
export class GovernorList {
  readonly named: NamedGovernor[] = [];
  readonly #index = new Map<string, number>();

  /**
   * Where the rule stands in the list, and how many numbers it remembers per domain.
   *
   * @throws InputError naming every wrong tunable.
   */
  add(
    name: string,
    options: Readonly<Record<string, unknown>>,
    path: string,
  ): { readonly rule: number; readonly slots: number } {
    const { slots } = createGovernor(name, options, path);
    const key = JSON.stringify([name, options]);
    const known = this.#index.get(key);
    if (known !== undefined) return { rule: known, slots };
    this.#index.set(key, this.named.length);
    this.named.push({ name, options });
    return { rule: this.named.length - 1, slots };
  }
}

/** One host from its preset, its own keys taking precedence. */
export function hostOf(
  entry: HostEntry,
  name: string,
  at: string,
  rules: GovernorList,
  issues: Issue[],
): HostSpec | undefined {
  const base = entry.model === undefined ? undefined : hostFromPreset(entry.model, name);
  const cores = entry.cores ?? base?.cores;
  const memoryBytes = entry.memory ?? base?.memoryBytes;
  const pstates =
    entry.pstates?.map((pstate, row) => pstateOf(pstate, `${at}.pstates[${row}]`, issues)) ??
    base?.pstates;
  if (cores === undefined || memoryBytes === undefined || pstates === undefined) {
    const missing = Object.entries({ cores, memory: memoryBytes, pstates })
      .filter(([, value]) => value === undefined)
      .map(([key]) => key);
    issues.push({
      path: at,
      expected: 'a model, or cores, memory and pstates',
      got: `no ${missing.join(', no ')}`,
    });
    return undefined;
  }
  checkPstates(pstates, at, issues);
  const parts = partsOf(entry, base, cores, at, issues);
  const fastest = pstates[0]!;
  return {
    name,
    cores,
    memoryBytes,
    pstates,
    offW: entry.off ?? base?.offW ?? 0,
    bootMs: entry.boot?.time ?? base?.bootMs ?? 0,
    bootW: entry.boot?.power ?? base?.bootW ?? fastest.fullW,
    shutdownMs: entry.shutdown?.time ?? base?.shutdownMs ?? 0,
    shutdownW: entry.shutdown?.power ?? base?.shutdownW ?? fastest.idleW,
    initiallyOn: entry.on,
    ...parts,
    ...frequencyOf(entry, cores, at, issues),
    ...governorOf(entry, at, rules, issues),
    ...sleepOf(entry),
    ...heatOf(entry),
  };
}

function pstateOf(entry: z.output<typeof pstate>, at: string, issues: Issue[]): PstateSpec {
  const { speed, idle: idleW, full: fullW, epsilon: epsilonW = idleW, curve, form } = entry;
  const { parameter, zeroIdle } = entry;
  const plain = { coreMips: speed, idleW, epsilonW, fullW };
  if (form !== undefined && curve !== undefined) {
    issues.push({ path: `${at}.form`, expected: 'a form or a curve, not both', got: `"${form}"` });
  }
  if (form !== undefined && needsParameter(form) !== (parameter !== undefined)) {
    issues.push({
      path: `${at}.parameter`,
      expected: needsParameter(form) ? `the parameter of ${form}` : `none with ${form}`,
      got: String(parameter ?? 'nothing'),
    });
  }
  if (form === undefined && zeroIdle !== true) {
    return { ...plain, ...(curve === undefined ? {} : { curveW: curve }) };
  }
  const ofForm: PowerSpec =
    form === undefined
      ? curve === undefined
        ? { kind: 'triple', idleW, epsilonW, fullW }
        : { kind: 'table', pointsW: curve }
      : { kind: form, idleW, fullW, ...(parameter === undefined ? {} : { parameter }) };
  const power: PowerSpec = zeroIdle === true ? { kind: 'zero-idle', of: ofForm as never } : ofForm;
  return { ...plain, idleW: zeroIdle === true ? 0 : idleW, power };
}

function checkPstates(pstates: readonly PstateSpec[], at: string, issues: Issue[]): void {
  const rising = pstates.findIndex(
    (pstate, row) => row > 0 && pstate.coreMips > pstates[row - 1]!.coreMips,
  );
  if (rising > 0) {
    issues.push({
      path: `${at}.pstates[${rising}].speed`,
      expected: 'falling speeds, fastest first',
      got: `${pstates[rising]!.coreMips} MIPS after ${pstates[rising - 1]!.coreMips}`,
    });
  }
  if (pstates.length > 1 && pstates.some((pstate) => pstate.curveW !== undefined)) {
    const without = pstates.findIndex((pstate) => pstate.curveW === undefined);
    if (without < 0) return;
    issues.push({
      path: `${at}.pstates[${without}].curve`,
      expected:
        'a curve for every P-state, each measured at its fixed frequency; one that was measured ' +
        'while the machine scaled by itself (SPECpower) goes with a single P-state',
      got: 'none',
    });
  }
}

/** A host described by its parts, and its C-states. */
function partsOf(
  entry: HostEntry,
  base: HostSpec | undefined,
  cores: number,
  at: string,
  issues: Issue[],
): Pick<HostSpec, 'component' | 'idle' | 'dramBytesPerS'> {
  const component = base?.component;
  if (component === undefined) {
    if (entry.idle !== undefined) {
      issues.push({
        path: `${at}.idle`,
        expected: 'a model described by its parts; others have their idle power measured',
        got: `"${entry.idle.cstates}"`,
      });
    }
    return {};
  }
  if (cores !== component.packages * component.coresPerPackage) {
    issues.push({
      path: `${at}.cores`,
      expected: `the ${component.packages * component.coresPerPackage} cores of ${entry.model}`,
      got: String(cores),
    });
    return {};
  }
  // P-states of one's own come with power of their own.
  if (entry.pstates !== undefined) return {};
  if (entry.idle === undefined) return { component };
  const { cstates, wakeups, latency } = entry.idle;
  return {
    component,
    idle: {
      states: cstateTables[cstates as keyof typeof cstateTables],
      wakeupsPerS: wakeups,
      ...(latency === undefined ? {} : { latencyLimitUs: latency * 1000 }),
    },
  };
}

function frequencyOf(
  entry: HostEntry,
  cores: number,
  at: string,
  issues: Issue[],
): { readonly frequency?: FrequencySpec } {
  if (entry.frequency === undefined) return {};
  const { domains: wanted, latency, halt, grid } = entry.frequency;
  const domains = wanted === 'host' ? 1 : wanted === 'core' ? cores : wanted;
  if (cores % domains !== 0) {
    issues.push({
      path: `${at}.frequency.domains`,
      expected: `a divisor of the ${cores} cores`,
      got: String(domains),
    });
    return {};
  }
  if (halt > latency) {
    issues.push({
      path: `${at}.frequency.halt`,
      expected: `at most the latency of ${latency} ms`,
      got: `${halt} ms`,
    });
  }
  return { frequency: { domains, latencyMs: latency, haltMs: halt, gridMs: grid } };
}

function governorOf(
  entry: HostEntry,
  at: string,
  rules: GovernorList,
  issues: Issue[],
): Pick<HostSpec, 'governor'> {
  if (entry.governor === undefined) return {};
  const { rule: name, every, options } = entry.governor;
  try {
    const governor = rules.add(name, options, `${at}.governor.options`);
    return { governor: { ...governor, periodMs: every } };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    issues.push(...error.issues);
    return {};
  }
}

function sleepOf({ sleep }: HostEntry): Pick<HostSpec, 'sleep'> {
  if (sleep === undefined) return {};
  return {
    sleep: {
      suspendMs: sleep.suspend.time,
      suspendW: sleep.suspend.power,
      asleepW: sleep.power,
      resumeMs: sleep.resume.time,
      resumeW: sleep.resume.power,
    },
  };
}

function heatOf({ heat: given }: HostEntry): Pick<HostSpec, 'heat'> {
  if (given === undefined) return {};
  const { resistance, capacity, inlet, start, limit, hysteresis, every } = given;
  return {
    heat: {
      resistanceKPerW: resistance,
      capacityJPerK: capacity,
      inletC: inlet,
      ...(start === undefined ? {} : { startC: start }),
      ...(limit === undefined ? {} : { limitC: limit }),
      hysteresisK: hysteresis,
      everyMs: every,
    },
  };
}
