/** What a snapshot remembers of the model it belongs to. */
import type { ClusterModel } from './model.ts';
import { checksum } from './numbers/checksum.ts';

/** Checksums of models that were asked for; models never change. */
const modelChecksums = new WeakMap<ClusterModel, string>();

/** Tells two models apart, like `modelFingerprint`, and faster where demand is large. */
export function modelChecksum(model: ClusterModel): string {
  const known = modelChecksums.get(model);
  if (known !== undefined) return known;
  const columns: Uint8Array[] = [];
  const rest = JSON.stringify(model, (_, value: unknown) => {
    // JSON knows no infinity.
    if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
    if (!ArrayBuffer.isView(value)) return value;
    columns.push(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    return columns.length;
  });
  const sum = checksum([...columns, new TextEncoder().encode(rest)]);
  modelChecksums.set(model, sum);
  return sum;
}
