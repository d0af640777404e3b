/**
 * Chooses an ML runtime by name. The only place from which one is loaded, and only when asked for:
 * simulations that use no learned policy never pay for it.
 */
import { inputError } from '../../sim/index.ts';
import type { Backend } from './execution.ts';

/** Names of the backends, the default first. */
export const backendNames = ['onnx', 'tfjs'] as const;

export type BackendName = (typeof backendNames)[number];

/**
 * Loads a backend; its `runtime` says what really computes.
 *
 * @throws InputError when the name is unknown or its runtime does not work on this machine.
 */
export async function openBackend(name: string = backendNames[0]): Promise<Backend> {
  switch (name) {
    case 'onnx':
      return openOnnx();
    case 'tfjs': {
      const { tfjsBackend } = await import('./tfjs-executor.ts');
      return tfjsBackend();
    }
    default:
      throw inputError('backend', backendNames.join(' or '), name);
  }
}

async function openOnnx(): Promise<Backend> {
  try {
    const { onnxBackend } = await import('./onnx-executor.ts');
    return onnxBackend();
  } catch (error) {
    // The package has no binary for every system and processor.
    const reason = error instanceof Error ? error.message : String(error);
    throw inputError('backend', 'a working onnxruntime-node (or the backend tfjs)', reason);
  }
}
