/**
 * A host with a measured power curve, built without a scenario file, and its energy by hand: one
 * VM asks for 1.5 of 4 cores, so the load is 37.5 %, three quarters of the way from the curve's
 * 30 % to its 40 %. Run: npx tsx examples/custom-host.ts
 */
import * as sim from '../sim/index.ts';

/** W at 0, 10, …, 100 % load. */
const curveW = [52, 80, 96, 110, 124, 139, 152, 168, 181, 197, 214];

const host: sim.HostSpec = {
  ...sim.hostFromPreset('ibm-x3650-m2', 'measured'),
  cores: 4,
  pstates: [{ coreMips: 2000, idleW: 52, epsilonW: 52, fullW: 214, curveW }],
};
const vm = { name: 'vm', vcpus: 2, vcpuMips: 2000, memoryBytes: 2 ** 31, mipsPerUnit: 1 };
const demandUnits = sim.sharedUint16(2).fill(3000);
const lifetime = { arrivalMs: 0, departureMs: Infinity };
const model = sim.buildModel({
  hosts: [host],
  workload: sim.createWorkload('constant', 1_800_000, [{ ...vm, ...lifetime }], demandUnits),
  initialHost: [0],
  migration: () => ({ bytesPerS: 1e8, dirtyIntensity: 0, workingSetBytes: 0 }),
  network: { type: 'star', portBytesPerS: 1e9 },
  migrationOverheadFraction: 0.1,
});
const twin = sim.Twin.create(model, 1);
sim.advance(twin, 3_600_000);
const byHand = (curveW[3]! + 0.75 * (curveW[4]! - curveW[3]!)) / 1000;
console.log(`simulated ${sim.summarize(twin).summary.energyKwh.toFixed(6)} kWh in an hour`);
console.log(`by hand   ${byHand.toFixed(6)} kWh`);
