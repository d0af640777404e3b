/**
 * Shapes of a host's power over its load, and the sets of shapes ("bases") a fit may choose from.
 *
 *   P(host) = idle + busy · [host has work] + Σ_j a_j · s_j(u),   a_j ≥ 0
 *
 * Every shape rises from 0 at no load to 1 at full load, so a_j is the W it adds at full load, and
 * coefficients from 0 up always give a curve that does not fall. √u alone is too steep and u too
 * flat for many hosts; `2√u − u` carries what a free a·u + b·√u with a < 0 would need, up to the
 * point where such a curve would begin to fall.
 *
 * Shapes `u`, `u²`, `u³`, `√u` and `2u − u^r` are the analytic models of OpenDC and of DSLab; the ten
 * `u10…u100` together are a free table of eleven points.
 */

/** A function of a host's load in [0, 1] that rises from 0 to 1. */
export interface Shape {
  readonly name: string;
  /** As one writes it. */
  readonly formula: string;
  readonly of: (u: number) => number;
}

const segments: readonly Shape[] = Array.from({ length: 10 }, (_, index) => ({
  name: `u${10 * (index + 1)}`,
  formula: `clamp(10u − ${index}, 0, 1)`,
  of: (u) => Math.min(1, Math.max(0, 10 * u - index)),
}));

/** All shapes, by name. */
export const shapes: readonly Shape[] = [
  { name: 'u', formula: 'u', of: (u) => u },
  { name: 'u2', formula: 'u²', of: (u) => u * u },
  { name: 'u3', formula: 'u³', of: (u) => u * u * u },
  { name: 'sqrt', formula: '√u', of: (u) => Math.sqrt(u) },
  { name: 'root4', formula: '∜u', of: (u) => Math.sqrt(Math.sqrt(u)) },
  { name: 'concave', formula: '2√u − u', of: (u) => 2 * Math.sqrt(u) - u },
  { name: 'mse2', formula: '2u − u²', of: (u) => 2 * u - u * u },
  { name: 'mse4', formula: '(4u − u⁴) / 3', of: (u) => (4 * u - u * u * u * u) / 3 },
  ...segments,
];

/** What a fit may use besides the constant power per host. */
export interface Basis {
  readonly name: string;
  /** Whether having work costs power of its own. */
  readonly busy: boolean;
  readonly shapes: readonly Shape[];
}

const named = (name: string): Shape => shapes.find((shape) => shape.name === name)!;

function basis(name: string, busy: boolean, ...names: readonly string[]): Basis {
  return { name, busy, shapes: names.map(named) };
}

/** Bases a fit chooses from, few coefficients first; between equals the earlier wins. */
export const bases: readonly Basis[] = [
  basis('linear', false, 'u'),
  basis('square', false, 'u2'),
  basis('cubic', false, 'u3'),
  basis('sqrt', false, 'sqrt'),
  basis('root4', false, 'root4'),
  basis('concave', false, 'concave'),
  basis('mse2', false, 'mse2'),
  basis('mse4', false, 'mse4'),
  basis('linear+busy', true, 'u'),
  basis('sqrt+busy', true, 'sqrt'),
  basis('linear+sqrt', false, 'u', 'concave'),
  basis('linear+root4', false, 'u', 'root4'),
  basis('linear+square', false, 'u', 'u2', 'mse2'),
  basis('linear+sqrt+busy', true, 'u', 'concave'),
  basis('analytic', true, 'u', 'u2', 'u3', 'sqrt', 'root4', 'concave', 'mse2', 'mse4'),
  { name: 'table', busy: false, shapes: segments },
  { name: 'table+busy', busy: true, shapes: segments },
];

/** The basis of that name, or `undefined`. */
export function basisNamed(name: string): Basis | undefined {
  return bases.find((candidate) => candidate.name === name);
}

/** A coefficient with its meaning. */
export interface Coefficient {
  readonly name: string;
  readonly formula: string;
  /** W per host. */
  readonly watts: number;
}

/** Number of coefficients of a basis: the constant, perhaps busy, one per shape. */
export function columnsOf(basis: Basis): number {
  return 1 + (basis.busy ? 1 : 0) + basis.shapes.length;
}

/** Coefficients of a fit with their names, in the order of the columns. */
export function nameCoefficients(basis: Basis, watts: ArrayLike<number>): Coefficient[] {
  const terms = [
    { name: 'idle', formula: '1' },
    ...(basis.busy ? [{ name: 'busy', formula: '[has work]' }] : []),
    ...basis.shapes,
  ];
  return terms.map(({ name, formula }, column) => ({ name, formula, watts: watts[column]! }));
}

/** Power of one host with work at load `u` in [0, 1], W. */
export function hostPowerW(basis: Basis, watts: ArrayLike<number>, u: number): number {
  let power = watts[0]!;
  if (basis.busy) power += watts[1]!;
  const first = basis.busy ? 2 : 1;
  basis.shapes.forEach((shape, index) => {
    power += watts[first + index]! * shape.of(u);
  });
  return power;
}

/** Power at 0, 10, …, 100 % load as scenarios take it, W, length 11. */
export function powerTable(basis: Basis, watts: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: 11 }, (_, point) => hostPowerW(basis, watts, point / 10));
}
