/**
 * Where the watts of a disk stress test go, by block size: with small blocks the driver VM's CPU costs
 * more than the disk, and its client is billed for both. Run: npx tsx examples/energy-e1-block-size.ts
 */
import * as sim from '../sim/index.ts';

const watts = (value: number, width = 8): string =>
  (Math.abs(value) < 0.005 ? 0 : value).toFixed(2).padStart(width);

console.log('mean power over 4 s, W; a driver VM and one client on a Pentium D with a Maxtor disk');
console.log(' KiB   req/s    idle  driver  client    disk    disk unattri-   meter  client');
console.log('                 CPU     CPU     CPU    idle  active   buted             bill');
for (const row of sim.blockSizeSweep(1)) {
  const parts = [
    row.driverIdleW + row.clientIdleW,
    row.driverActiveW,
    row.clientActiveW,
    row.diskIdleW,
    row.diskActiveW,
    row.unattributedW,
  ];
  const sum = parts.reduce((total, part) => total + part, 0);
  if (Math.abs(sum - row.meterW) > 1e-9 * row.meterW) throw new Error('parts do not sum to meter');
  console.log(
    `${String(row.blockKib).padStart(4)} ${row.requestsPerS.toFixed(0).padStart(7)}` +
      parts.map((part) => watts(part)).join('') +
      watts(row.meterW) +
      watts(row.clientBillW),
  );
}
