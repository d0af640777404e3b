/**
 * Frequency governors as pure rules: from the load of the last period to the next P-state.
 * A host samples its rule by itself (`HostSpec.governor`).
 */
import { InputError, inputError } from '../errors.ts';
import { conservative } from './conservative.ts';
import { intelPstateHwp } from './intel-hwp.ts';
import { intelPstatePerformance, intelPstatePowersave } from './intel-pstate.ts';
import type { GovernorKind } from './kind.ts';
import { ondemand } from './ondemand.ts';
import { performance } from './performance.ts';
import { powersave } from './powersave.ts';
import type { GovernorRule } from './rule.ts';
import { schedutil } from './schedutil.ts';
import { userspace } from './userspace.ts';

export { type GovernorKind, governorKind } from './kind.ts';
export type { GovernorRule, GovernorSample } from './rule.ts';

/** All kinds; to add one, write its file and name it here, last: hosts refer to them by position. */
export const governorKinds: readonly GovernorKind[] = [
  performance,
  powersave,
  ondemand,
  conservative,
  schedutil,
  userspace,
  intelPstatePowersave,
  intelPstatePerformance,
  intelPstateHwp,
];

/** One rule of each kind with Linux's default tunables, in the order of `governorKinds`. */
export const governors: readonly GovernorRule[] = governorKinds.map((kind) => kind.create({}));

/** The rule called `name` with default tunables. @throws InputError naming `path` and the names. */
export function governorNamed(name: string, path: string): GovernorRule {
  return createGovernor(name, {}, path);
}

/**
 * A rule with tunables, named as Linux names them.
 *
 * @param path Where they stand, for messages.
 * @throws InputError naming an unknown name, or every unknown tunable and bad value.
 */
export function createGovernor(
  name: string,
  options: Readonly<Record<string, unknown>> = {},
  path = 'governor',
): GovernorRule {
  const kind = governorKinds.find((candidate) => candidate.name === name);
  if (kind === undefined) {
    throw inputError(path, `one of ${governorKinds.map((known) => known.name).join(', ')}`, name);
  }
  const parsed = kind.options.safeParse(options);
  if (parsed.success) return kind.create(parsed.data);
  const known = Object.keys(kind.options.shape).join(', ') || 'no tunables';
  throw new InputError(
    parsed.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ path: `${path}.${key}`, expected: known, got: key }))
        : [
            {
              path: `${path}.${issue.path.join('.')}`,
              expected: issue.message.replace(/^.*expected /, ''),
              got: JSON.stringify(options[String(issue.path[0])]) ?? 'nothing',
            },
          ],
    ),
  );
}
