/**
 * OpenDC's power models of a host, with their names on a command line: the closed forms of
 * `sim/power/analytic.ts`, a table that is interpolated, and zero-idle over any of them.
 *
 * @see OpenDC 2.4 (commit 691036d), `CpuPowerModels`.
 */
import { inputError } from '../../errors.ts';
import {
  type AnalyticForm,
  analyticCode,
  analyticForms,
  analyticPowerW,
  needsParameter,
} from '../../power/analytic.ts';

/** A host's power over its load. */
export type OpenDcPowerModel = {
  /** No power at all while the load is 0; default false. */
  readonly zeroIdle?: boolean;
} & (
  | {
      readonly form: AnalyticForm;
      readonly idleW: number;
      readonly maxW: number;
      /** r of `mse`, α of the asymptotic forms. */
      readonly parameter?: number;
    }
  | {
      readonly form: 'interpolation';
      /** Power at evenly spaced loads from 0 to 1, W; at least two. */
      readonly levelsW: readonly number[];
    }
);

/** Power in W at load `u` in [0, 1]. */
export type PowerFunction = (u: number) => number;

export function powerFunction(model: OpenDcPowerModel): PowerFunction {
  const power = withoutZeroIdle(model);
  return model.zeroIdle === true ? (u) => (u === 0 ? 0 : power(u)) : power;
}

function withoutZeroIdle(model: OpenDcPowerModel): PowerFunction {
  if (model.form === 'interpolation') {
    const levelsW = Float64Array.from(model.levelsW);
    const last = levelsW.length - 1;
    return (u) => {
      const below = Math.min(Math.floor(u * last), last - 1);
      return levelsW[below]! + (levelsW[below + 1]! - levelsW[below]!) * (u * last - below);
    };
  }
  const code = analyticCode(model.form);
  const { idleW, maxW, parameter = 1 } = model;
  const power: PowerFunction = (u) => analyticPowerW(code, idleW, maxW, parameter, u);
  return needsParameter(model.form) ? remembering(power) : power;
}

/** Traces repeat few distinct demands, and powers and exponentials are slow: remembers 4096 loads. */
function remembering(power: PowerFunction): PowerFunction {
  const loads = new Float64Array(4096).fill(-1);
  const powersW = new Float64Array(4096);
  return (u) => {
    const slot = (u * 1e8) & 4095;
    if (loads[slot] !== u) {
      loads[slot] = u;
      powersW[slot] = power(u);
    }
    return powersW[slot]!;
  };
}

/** What `parsePowerModel` reads, for help texts. */
export const powerModelGrammar =
  'FORM:IDLE:MAX[:PARAMETER] with constant, linear, sqrt, square, cubic, mse (parameter r), ' +
  'asymptotic, asymptotic-dvfs (parameter alpha), or interpolation:W0:W1:…; zero-idle: before any';

/**
 * Reads e.g. `linear:32:180`, `mse:25:174:4`, `zero-idle:sqrt:32:180` or `interpolation:50:80:100`;
 * powers in W.
 *
 * @throws InputError under the name `path`.
 */
export function parsePowerModel(text: string, path: string): OpenDcPowerModel {
  const zeroIdle = text.startsWith('zero-idle:');
  const [form = '', ...rest] = (zeroIdle ? text.slice('zero-idle:'.length) : text).split(':');
  const numbers = rest.map((part) => (/^\d+(?:\.\d+)?$/.test(part) ? Number(part) : Number.NaN));
  const bad = (expected: string): Error => inputError(path, expected, text);
  if (numbers.some((value) => !(value <= 1e9))) throw bad(`${powerModelGrammar}; numbers in W`);
  if (form === 'interpolation') {
    if (numbers.length < 2) throw bad('interpolation with at least two powers');
    return { form, levelsW: numbers, zeroIdle };
  }
  const known = analyticForms.find((name) => name === form);
  if (known === undefined) throw bad(powerModelGrammar);
  const [idleW, maxW, parameter] = numbers;
  const wanted = needsParameter(known) ? 3 : 2;
  if (idleW === undefined || maxW === undefined || numbers.length !== wanted) {
    throw bad(`${known}:IDLE:MAX${wanted === 3 ? ':PARAMETER' : ''}`);
  }
  if (maxW < idleW) throw bad('a maximum power that is not below the idle power');
  if (parameter === undefined) return { form: known, idleW, maxW, zeroIdle };
  if (!(parameter > 0)) throw bad('a parameter above 0');
  return { form: known, idleW, maxW, parameter, zeroIdle };
}
