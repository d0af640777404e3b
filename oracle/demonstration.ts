/**
 * What the oracle writes down: for one decision every plan it tried with its cost, best first, and
 * which one was carried out. One JSON line each, behind a header line that names the episode.
 *
 * The cluster's state is not stored: a run is a pure function of scenario and seed, so replaying
 * the executed plans gives every state back, bit for bit, and any feature can be computed later.
 */
import { type Action, type CostVector, type InputError, inputError } from '../sim/index.ts';
import { packCost, unpackCost } from './cost-row.ts';

/** First line of a shard. */
export interface EpisodeHeader {
  readonly format: 'wattwin-demonstrations';
  readonly version: 1;
  /** Fingerprint of the model, so that labels never meet another cluster. */
  readonly model: string;
  /** What was labelled, for people. */
  readonly workload: string;
  readonly seed: number;
  readonly decisions: number;
  readonly options: unknown;
}

/** One plan tried, as stored. */
export interface LabelledPlan {
  readonly source: string;
  readonly actions: readonly Action[];
  readonly cost: CostVector;
  /** The objective's value over the horizon, kWh-equivalents. */
  readonly objective: number;
}

/** One decision. */
export interface Demonstration {
  readonly decision: number;
  /** When it was decided, and the end of the newest measurement it could use, ms. */
  readonly decidedAtMs: number;
  readonly observedAtMs: number;
  /** Best first. */
  readonly plans: readonly LabelledPlan[];
  /** Index of the plan that was carried out. */
  readonly executed: number;
}

const actionCodes = {
  place: 'p',
  migrate: 'm',
  powerOn: 'n',
  powerOff: 'f',
  setPstate: 's',
  abortMigration: 'a',
  switchMigration: 'c',
  setQuota: 'q',
  limitVmPower: 'v',
  limitHostPower: 'h',
} as const;

type PackedAction = readonly (string | number)[];

/** One line, without the line break. */
export function encodeDemonstration(demonstration: Demonstration): string {
  const { decision, decidedAtMs, observedAtMs, executed } = demonstration;
  return JSON.stringify({
    decision,
    decidedAtMs,
    observedAtMs,
    executed,
    plans: demonstration.plans.map((plan) => [
      plan.source,
      plan.objective,
      packCost(plan.cost),
      plan.actions.map(packAction),
    ]),
  });
}

function packAction(action: Action): PackedAction {
  const code = actionCodes[action.type];
  switch (action.type) {
    case 'place':
    case 'migrate':
      return [code, action.vm, action.host];
    case 'setPstate':
      return action.domain === undefined
        ? [code, action.host, action.pstate]
        : [code, action.host, action.pstate, action.domain];
    case 'abortMigration':
    case 'switchMigration':
      return [code, action.vm];
    case 'powerOff':
      return action.to === undefined ? [code, action.host] : [code, action.host, action.to];
    case 'setQuota':
      // JSON has no Infinity.
      return action.cores === Infinity ? [code, action.vm] : [code, action.vm, action.cores];
    case 'limitVmPower': {
      const of = action.of ?? 'cpu';
      return action.watts === Infinity
        ? [code, action.vm, of]
        : [code, action.vm, of, action.watts];
    }
    case 'limitHostPower':
      return action.watts === Infinity ? [code, action.host] : [code, action.host, action.watts];
    default:
      return [code, action.host];
  }
}

function unpackAction(packed: PackedAction): Action | undefined {
  const [code, first, second, third] = packed;
  if (typeof first !== 'number') return undefined;
  if (code === actionCodes.powerOn) return { type: 'powerOn', host: first };
  if (code === actionCodes.abortMigration) return { type: 'abortMigration', vm: first };
  if (code === actionCodes.switchMigration) return { type: 'switchMigration', vm: first };
  if (code === actionCodes.powerOff) {
    const to = second === 'S3' || second === 'S5' ? { to: second } : {};
    return { type: 'powerOff', host: first, ...to } as Action;
  }
  const limit = unpackLimit(packed, first);
  if (limit !== undefined) return limit;
  if (typeof second !== 'number') return undefined;
  if (code === actionCodes.place) return { type: 'place', vm: first, host: second };
  if (code === actionCodes.migrate) return { type: 'migrate', vm: first, host: second };
  if (code === actionCodes.setPstate) {
    const domain = typeof third === 'number' ? { domain: third } : {};
    return { type: 'setPstate', host: first, pstate: second, ...domain };
  }
  return undefined;
}

/** Quotas and power limits, whose last number is left out where there is no limit. */
function unpackLimit([code, , second, third]: PackedAction, id: number): Action | undefined {
  const most = code === actionCodes.limitVmPower ? third : second;
  if (most !== undefined && typeof most !== 'number') return undefined;
  const limit = most ?? Infinity;
  if (code === actionCodes.setQuota) return { type: 'setQuota', vm: id, cores: limit };
  if (code === actionCodes.limitHostPower)
    return { type: 'limitHostPower', host: id, watts: limit };
  if (code !== actionCodes.limitVmPower || (second !== 'cpu' && second !== 'disk'))
    return undefined;
  const of = second === 'disk' ? { of: second } : {};
  return { type: 'limitVmPower', vm: id, watts: limit, ...of } as Action;
}

/** A shard as read back. */
export interface Episode {
  readonly header: EpisodeHeader;
  readonly demonstrations: readonly Demonstration[];
  /** Bytes up to the end of the last whole line; what follows was cut off while being written. */
  readonly wholeBytes: number;
}

/**
 * Reads a shard. A last line without its line break is ignored: the writer was stopped in it.
 *
 * @param path Name of the file, for messages.
 * @throws InputError naming `path:line`.
 */
export function decodeEpisode(bytes: Uint8Array, path: string): Episode | undefined {
  const end = bytes.lastIndexOf(10) + 1;
  if (end === 0) return undefined;
  const lines = new TextDecoder().decode(bytes.subarray(0, end)).split('\n').slice(0, -1);
  const header = parseLine(lines[0] ?? '', path, 1) as unknown as EpisodeHeader;
  if (header.format !== 'wattwin-demonstrations') {
    throw inputError(`${path}:1`, 'a header of format wattwin-demonstrations', lines[0] ?? '');
  }
  if (header.version !== 1) {
    throw inputError(`${path}:1`, 'format version 1', `version ${String(header.version)}`);
  }
  const demonstrations = lines.slice(1).map((line, index) => {
    const demonstration = decodeDemonstration(line, path, index + 2);
    if (demonstration.decision !== index) {
      throw inputError(`${path}:${index + 2}`, `decision ${index}`, `${demonstration.decision}`);
    }
    return demonstration;
  });
  return { header, demonstrations, wholeBytes: end };
}

function parseLine(line: string, path: string, number: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    throw inputError(`${path}:${number}`, 'a JSON object', (error as Error).message);
  }
  if (typeof value !== 'object' || value === null) {
    throw inputError(`${path}:${number}`, 'a JSON object', line);
  }
  return value as Readonly<Record<string, unknown>>;
}

function decodeDemonstration(line: string, path: string, number: number): Demonstration {
  const { decision, decidedAtMs, observedAtMs, executed, plans } = parseLine(line, path, number);
  const bad = (expected: string): InputError => inputError(`${path}:${number}`, expected, line);
  if (!isWhole(decision) || !isWhole(executed) || !Array.isArray(plans)) {
    throw bad('a demonstration');
  }
  if (!isAmount(decidedAtMs) || !isAmount(observedAtMs)) throw bad('times in ms');
  const labelled = plans.map((plan) => decodePlan(plan, bad));
  if (labelled[executed] === undefined) throw bad('an executed plan that is listed');
  return { decision, decidedAtMs, observedAtMs, executed, plans: labelled };
}

function decodePlan(plan: unknown, bad: (expected: string) => InputError): LabelledPlan {
  if (!Array.isArray(plan) || plan.length !== 4) throw bad('plans of four parts');
  const [source, objective, packedCost, actions] = plan as readonly unknown[];
  if (typeof source !== 'string' || typeof objective !== 'number') throw bad('plans with a value');
  const cost = unpackCost(packedCost);
  if (cost === undefined) throw bad('plans with three costs, or five of a facility');
  if (!Array.isArray(actions)) throw bad('plans with actions');
  return {
    source,
    objective,
    cost,
    actions: actions.map((packed: unknown) => {
      const action = Array.isArray(packed) ? unpackAction(packed as PackedAction) : undefined;
      if (action === undefined) throw bad(`actions ${Object.values(actionCodes).join(', ')}`);
      return action;
    }),
  };
}

const isWhole = (value: unknown): value is number => Number.isInteger(value);

const isAmount = (value: unknown): value is number => Number.isFinite(value);
