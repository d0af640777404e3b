/**
 * Two VMs share a disk under power limits that change at run time: each settles at its own limit
 * within the dead band of 0.1 W, and the other does not feel it.
 * Run: npx tsx examples/energy-e2-disk-limits.ts
 */
import * as sim from '../sim/index.ts';

const rows = sim.diskLimits(1);
const limit = (watts: number): string => (watts === Infinity ? 'none' : watts.toFixed(2));

/** Periods until the power stays within the dead band of the limit, up to its next change. */
function settling(client: number, fromS: number, untilS: number): string {
  const span = rows.filter(({ timeS }) => timeS > fromS + 1e-9 && timeS < untilS + 1e-9);
  const inside = span.map(
    (row) => Math.abs(row.powerW[client]! - row.limitW[client]!) <= 0.1 + 1e-9,
  );
  return String(inside.lastIndexOf(false) + 1);
}

console.log('time, s   VM 0 limit  power, W  MB/s   VM 1 limit  power, W  MB/s');
for (let second = 2; second <= 36; second += 2) {
  const last = rows.filter(({ timeS }) => timeS > second - 1 + 1e-9 && timeS <= second + 1e-9);
  const mean = (values: readonly number[]): string =>
    (values.reduce((sum, value) => sum + value, 0) / values.length).toFixed(2).padStart(8);
  const columns = [0, 1].map(
    (vm) =>
      limit(last[0]!.limitW[vm]!).padStart(11) +
      mean(last.map((row) => row.powerW[vm]!)).padStart(10) +
      mean(last.map((row) => row.megabytesPerS[vm]!)).slice(2),
  );
  console.log(`${String(second).padStart(7)}  ${columns.join('  ')}`);
}
console.log('periods of 200 ms until it stays within 0.1 W of the limit:');
console.log(`  1.00 W: ${settling(0, 4, 12)} (VM 1: ${settling(1, 4, 28)})`);
console.log(`  0.50 W: ${settling(0, 12, 20)}, 0.75 W: ${settling(0, 20, 28)}`);
