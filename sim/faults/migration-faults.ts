/**
 * Migrations that break and migrations that are slow. Both are decided when one begins, from the VM's
 * own seed and how often it has moved, so every plan that is tried on a fork meets the same luck.
 */
import { drawFloat, drawWord } from '../requests/draws.ts';
import type { Twin } from '../twin.ts';

/** First draw of a VM's seed about its migrations, out of reach of its lifetimes. */
const migrationDraws = 0x40000000;

/** A migration of `vm` begins in slot `flow`. */
export function drawMigrationFaults(twin: Twin, flow: number, vm: number): void {
  const spec = twin.model.faults?.migrations;
  if (spec === undefined) return;
  const { vmSeed, vmMoves, flowBreaksAt, flowFactor } = twin.state.faults;
  const seed = drawWord(vmSeed[vm]!, migrationDraws + vmMoves[vm]!);
  vmMoves[vm]!++;
  flowBreaksAt[flow] = drawFloat(seed, 0) < spec.failProbability ? drawFloat(seed, 1) : 0;
  flowFactor[flow] = drawFloat(seed, 2) < spec.slowProbability ? spec.slowFactor : 1;
}

/** Whether the migration will break before it ends. */
export function willBreak(twin: Twin, flow: number): boolean {
  return (twin.state.faults.flowBreaksAt[flow] ?? 0) > 0;
}

/** Bytes of the first `bytes` of memory that come across: all, or those before it breaks. */
export function bytesBeforeBreak(twin: Twin, flow: number, bytes: number): number {
  const part = twin.state.faults.flowBreaksAt[flow] ?? 0;
  return part > 0 ? bytes * part : bytes;
}

/** Rate cap of the migration when its usual one is `bytesPerS` (Infinity for none). */
export function slowedCap(twin: Twin, flow: number, bytesPerS: number): number {
  const factor = twin.state.faults.flowFactor[flow] ?? 1;
  if (factor === 1) return bytesPerS;
  let rate = bytesPerS;
  // Without a cap of its own the slowest link there is stands for it.
  if (rate === Infinity)
    for (const link of twin.model.network.linkBytesPerS) rate = Math.min(rate, link);
  return rate * factor;
}
