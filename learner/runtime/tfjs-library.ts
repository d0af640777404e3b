/**
 * Finds a TensorFlow.js that works: the native `@tensorflow/tfjs-node` if it is installed and really
 * computes, else the portable `@tensorflow/tfjs`. Both are optional, so they are imported by name at
 * run time.
 */
import { createRequire } from 'node:module';
import type * as TensorFlow from '@tensorflow/tfjs';
import { inputError } from '../../sim/index.ts';
import type { RuntimeReport } from './execution.ts';

export type Tf = typeof TensorFlow;

/** Fastest first. */
const packages: readonly string[] = ['@tensorflow/tfjs-node', '@tensorflow/tfjs'];

export interface TfjsLibrary {
  readonly tf: Tf;
  readonly runtime: RuntimeReport;
}

/**
 * @throws InputError with the reason for each package, when none works.
 */
export async function loadTfjs(): Promise<TfjsLibrary> {
  restoreRemovedUtilities();
  const reasons: string[] = [];
  for (const name of packages) {
    const found = await probe(name);
    if (!(found instanceof Error)) return found;
    reasons.push(`${name}: ${found.message.split('\n')[0]}`);
  }
  throw inputError(
    'backend',
    'TensorFlow.js, installed by "npm install @tensorflow/tfjs", for the backend tfjs',
    reasons.join('; '),
  );
}

/**
 * Imports a package and runs an operation. A native add-on can be present and still fail in many
 * ways (missing binary, removed Node API), so any error means "not this one".
 */
async function probe(name: string): Promise<TfjsLibrary | Error> {
  try {
    const tf = (await import(name)) as Tf;
    // Quiet: no banner, no advice, no slow checks.
    tf.enableProdMode();
    await tf.ready();
    const product = tf.tidy(() => tf.matMul(tf.ones([1, 2]), tf.ones([2, 1])).dataSync()[0]);
    if (product !== 2) return new Error(`1 + 1 came out as ${product}`);
    const device = tf.getBackend();
    return { tf, runtime: { name, version: tf.version['tfjs-core'], device } };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** `tfjs-node` 4.22 calls two functions of `node:util` that Node 23 removed. */
function restoreRemovedUtilities(): void {
  const util: RemovedUtilities = createRequire(import.meta.url)('node:util');
  util.isNullOrUndefined ??= (value) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
}

interface RemovedUtilities {
  isNullOrUndefined?: (value: unknown) => boolean;
  isArray?: (value: unknown) => boolean;
}
