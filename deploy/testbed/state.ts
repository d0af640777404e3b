/** The state directory of a testbed: a tmpfs of its own, so that taking it away takes everything. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { stateRoot, type TestbedLayout, testbedLayout } from './layout.ts';
import { diskKinds, planTestbed, type TestbedPlan, type TestbedSpec } from './plan.ts';
import { requireRoot } from './prerequisites.ts';
import type { Programs } from './programs.ts';
import { TestbedError } from './testbed-error.ts';

const manifestSchema = z.object({
  version: z.literal(1),
  name: z.string(),
  hosts: z.int(),
  vms: z.int(),
  redis: z.int(),
  disk: z.enum(diskKinds),
  hardware: z.record(z.string(), z.unknown()),
  images: z.string(),
});

/**
 * Makes the state directory; of two that try at once one succeeds.
 *
 * @throws TestbedError when it is there already.
 */
export async function makeState(layout: TestbedLayout, programs: Programs): Promise<void> {
  try {
    makeDirectory(layout.directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new TestbedError(
      'ERR_EXISTS',
      `There is a testbed "${layout.name}" already: \`wattwin testbed down --name ${layout.name}\``,
    );
  }
  const source = `wattwin-${layout.name}`;
  await programs.run(['mount', '-t', 'tmpfs', '-o', 'mode=700', source, layout.directory]);
}

function makeDirectory(directory: string): void {
  for (let tries = 0; ; tries++) {
    mkdirSync(stateRoot, { recursive: true });
    try {
      mkdirSync(directory, { mode: 0o700 });
      return;
    } catch (error) {
      // A testbed that ended just now took the common directory along.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries > 10) throw error;
    }
  }
}

/** Unmounts and removes the state directory. @returns What is left of it. */
export async function removeState(layout: TestbedLayout, programs: Programs): Promise<string[]> {
  const { directory } = layout;
  // A mount that is still in use goes away when its last user does; there may be several on a pile.
  for (let tries = 0; tries < 4 && isMounted(directory); tries++) {
    await programs.run(['umount', ...(tries === 0 ? [] : ['-l']), directory]).catch(busy);
  }
  if (isMounted(directory)) return [directory];
  rmSync(directory, { recursive: true, force: true });
  return [];
}

function busy(error: unknown): void {
  if (!(error instanceof TestbedError)) throw error;
}

function isMounted(directory: string): boolean {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return mounts.some((line) => line.split(' ')[4] === directory);
}

export function writeManifest(
  { layout, spec }: TestbedPlan,
  { images }: { readonly images: string },
): void {
  writeFileSync(layout.manifest, `${JSON.stringify({ version: 1, ...spec, images }, null, 2)}\n`);
}

/**
 * The plan of a testbed that `up` has made, or is making.
 *
 * @throws TestbedError when there is none, or this process may not know.
 */
export function loadPlan(name: string): TestbedPlan {
  const layout = testbedLayout(name);
  requireRoot();
  if (!existsSync(layout.manifest)) {
    const hint = existsSync(layout.directory)
      ? 'it was not finished'
      : `\`wattwin testbed up --name ${name}\` makes one`;
    throw new TestbedError('ERR_NO_TESTBED', `There is no testbed "${name}": ${hint}`);
  }
  const spec: TestbedSpec = manifestSchema.parse(JSON.parse(readFileSync(layout.manifest, 'utf8')));
  return planTestbed(spec);
}

/** Whether a testbed of that name left a directory, finished or not. */
export const hasState = ({ directory }: TestbedLayout): boolean => existsSync(directory);

/** Directory of all testbeds' states, for those who remove it after the last. */
export const stateParents: readonly string[] = [stateRoot, dirname(stateRoot)];
