/** Which cluster a command is about, where nobody says. */
import { existsSync, readdirSync } from 'node:fs';
import { testbedLayout } from '../../deploy/testbed/index.ts';
import { stateRoot } from '../../deploy/testbed/layout.ts';
import { inputError } from '../../sim/index.ts';

const usual = 'cluster.yaml';

/** For help texts. */
export const clusterDefault = `default: ${usual} here, or that of the one testbed that is up`;

/**
 * The cluster file that is given, or else the one that can be meant.
 *
 * @throws InputError when there is none, or more than one.
 */
export function clusterPath(given: string | undefined): string {
  if (given !== undefined) return given;
  if (existsSync(usual)) return usual;
  const found = testbeds()
    .map((name) => testbedLayout(name).clusterFile)
    .filter((file) => existsSync(file));
  if (found.length === 1) return found[0]!;
  const got = found.length === 0 ? `no ${usual} here and no testbed that is up` : found.join(', ');
  throw inputError('--cluster', 'a cluster file', got);
}

function testbeds(): string[] {
  try {
    return readdirSync(stateRoot);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
