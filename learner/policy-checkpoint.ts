/** A trained network ↔ the bytes of a checkpoint. */
import { inputError } from '../sim/index.ts';
import type { FeatureScales } from './batch.ts';
import type { ColumnScale } from './dataset.ts';
import { type FeatureSpec, hostFeatures, vmFeatures } from './features.ts';
import type { NetworkConfig } from './plan-network.ts';
import { decodeCheckpoint, encodeCheckpoint, type FeatureColumn } from './runtime/index.ts';
import type { EpochReport, TrainedNetwork } from './train.ts';

const kind = 'plan-scores';

/** @param runtime What trained it, for people. */
export function encodePolicy(trained: TrainedNetwork, runtime: string): Uint8Array {
  return encodeCheckpoint({
    model: { kind, ...trained.network },
    features: {
      host: columnsOf(hostFeatures, trained.scales.host),
      vm: columnsOf(vmFeatures, trained.scales.vm),
    },
    training: {
      runtime,
      costScale: trained.costScale,
      bestFixed: { ...trained.bestFixed },
      curve: trained.curve.map((report) => ({ ...report })),
    },
    parameters: [...trained.parameters],
  });
}

/** What serving and reporting need of a checkpoint. */
export interface StoredPolicy {
  readonly network: NetworkConfig;
  readonly parameters: TrainedNetwork['parameters'];
  readonly scales: FeatureScales;
  readonly curve: readonly EpochReport[];
  readonly bestFixed: TrainedNetwork['bestFixed'];
}

/**
 * @param path Name of the file, for messages.
 * @throws InputError when it is no checkpoint, damaged, or of a model with other features.
 */
export function decodePolicy(bytes: Uint8Array, path: string): StoredPolicy {
  const checkpoint = decodeCheckpoint(bytes, path);
  const { kind: found, vmWidth, hostWidth } = checkpoint.model;
  if (found !== kind) throw inputError(path, `a checkpoint of kind ${kind}`, String(found));
  if (!isWidth(vmWidth) || !isWidth(hostWidth)) {
    throw inputError(path, 'layer widths from 1 up', `${String(vmWidth)}, ${String(hostWidth)}`);
  }
  const training = checkpoint.training as unknown as Pick<StoredPolicy, 'curve' | 'bestFixed'>;
  if (!Array.isArray(training.curve) || typeof training.bestFixed !== 'object') {
    throw inputError(path, 'a learning curve and the best fixed proposal', 'none');
  }
  return {
    network: { vmWidth, hostWidth },
    parameters: checkpoint.parameters,
    scales: {
      host: scaleOf(checkpoint.features['host'], hostFeatures, `${path}: host features`),
      vm: scaleOf(checkpoint.features['vm'], vmFeatures, `${path}: VM features`),
    },
    curve: training.curve,
    bestFixed: training.bestFixed,
  };
}

function isWidth(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}

function columnsOf(specs: readonly FeatureSpec[], scale: ColumnScale): FeatureColumn[] {
  return specs.map(({ name, unit }, column) => ({
    name,
    unit,
    mean: scale.mean[column]!,
    deviation: scale.deviation[column]!,
  }));
}

function scaleOf(
  columns: readonly FeatureColumn[] | undefined,
  specs: readonly FeatureSpec[],
  path: string,
): ColumnScale {
  const found = (columns ?? []).map((column) => column.name).join(', ');
  const expected = specs.map((column) => column.name).join(', ');
  if (found !== expected) throw inputError(path, expected, found);
  return {
    mean: Float64Array.from(columns ?? [], (column) => column.mean),
    deviation: Float64Array.from(columns ?? [], (column) => column.deviation),
  };
}
