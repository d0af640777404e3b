/** All policies the twin brings along, by name. */
import type { z } from 'zod';
import { assert, InputError, type Issue, inputError } from '../errors.ts';
import type { Policy } from '../policy.ts';
import { allOn } from './all-on.ts';
import { beloglazov } from './beloglazov.ts';
import { consolidations } from './consolidate.ts';
import type { PolicyKind } from './kind.ts';
import { thermalBalance } from './thermal-balance.ts';

export { type PolicyKind, policyKind } from './kind.ts';

/** To add a policy, write its file and name its kind here. */
export const policyKinds: readonly PolicyKind[] = [
  allOn,
  ...consolidations,
  beloglazov,
  thermalBalance,
];

interface Entry {
  readonly kind: PolicyKind;
  /** Options that the name stands for. */
  readonly preset: Readonly<Record<string, unknown>>;
}

const entries = indexKinds(policyKinds);

/** Every name that `createPolicy` knows, shorthands included. */
export const policyNames: readonly string[] = [...entries.keys()];

/** Kinds by name and shorthand. @throws InvariantError when two share a name. */
export function indexKinds(kinds: readonly PolicyKind[]): ReadonlyMap<string, Entry> {
  const index = new Map<string, Entry>();
  const add = (name: string, entry: Entry): void => {
    assert(!index.has(name), () => `two policies are called ${name}`);
    index.set(name, entry);
  };
  for (const kind of kinds) {
    add(kind.name, { kind, preset: {} });
    for (const [name, preset] of Object.entries(kind.shorthands)) add(name, { kind, preset });
  }
  return index;
}

/**
 * Makes a policy from a description such as `thr-mmt` or `{ name: 'pabfd', maxUtilization: 0.7 }`.
 *
 * @param path Where the description stands, for messages.
 * @throws InputError naming every unknown name, unknown option and bad value.
 */
export function createPolicy(spec: unknown, path: string): Policy {
  const { name, ...given } = typeof spec === 'string' ? { name: spec } : asRecord(spec, path);
  const entry = typeof name === 'string' ? entries.get(name) : undefined;
  if (entry === undefined) {
    throw inputError(`${path}.name`, `one of ${policyNames.join(', ')}`, describe(name));
  }
  const options: Record<string, unknown> = { ...entry.preset, ...given };
  const parsed = entry.kind.options.safeParse(options);
  if (!parsed.success) {
    const known = Object.keys(entry.kind.options.shape);
    throw new InputError(
      parsed.error.issues.flatMap((issue) => toIssues(issue, options, known, path)),
    );
  }
  return entry.kind.create(parsed.data);
}

function asRecord(spec: unknown, path: string): Record<string, unknown> {
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) {
    throw inputError(path, 'a policy name, or a name with options', describe(spec));
  }
  return { ...spec };
}

function toIssues(
  issue: z.core.$ZodIssue,
  options: Record<string, unknown>,
  known: readonly string[],
  path: string,
): Issue[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: `${path}.${key}`,
      expected: `one of the options ${known.join(', ')}`,
      got: key,
    }));
  }
  const option = String(issue.path[0]);
  return [
    { path: `${path}.${option}`, expected: expectation(issue), got: describe(options[option]) },
  ];
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.join(', ')}`;
  if (issue.code === 'invalid_type') return `a ${issue.expected}`;
  if (issue.code === 'too_small')
    return `a number ${issue.inclusive ? '>=' : '>'} ${issue.minimum}`;
  if (issue.code === 'too_big') return `a number ${issue.inclusive ? '<=' : '<'} ${issue.maximum}`;
  return issue.message;
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing';
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
}
