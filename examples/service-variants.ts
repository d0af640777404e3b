/**
 * Which variant of a service, and how many replicas? Every choice is tried on a fork of the same twin,
 * so all answer the same requests: p99, accuracy and energy. Run: npx tsx examples/service-variants.ts
 */
import * as sim from '../sim/index.ts';

const lifetime = { arrivalMs: 0, departureMs: Infinity };
const vm = { vcpus: 2, vcpuMips: 1700, memoryBytes: 2 ** 31, mipsPerUnit: 1, ...lifetime };
const vms = ['a', 'b', 'c'].map((name) => ({ name, ...vm }));
const variants: sim.VariantSpec[] = [
  { name: 'full', demand: { type: 'lognormal', mean: 51, scv: 1 }, accuracy: 0.95 },
  { name: 'compressed', demand: { type: 'lognormal', mean: 20, scv: 1 }, accuracy: 0.91 },
];
const services = [{ name: 'classifier', replicas: [0, 1, 2], variants }];
const model = sim.buildModel({
  hosts: [sim.hostFromPreset('grid5000-stremi', 'host')],
  workload: sim.createWorkload('none', 60_000, vms, sim.sharedUint16(0)),
  initialHost: [0, 0, 0],
  migration: () => ({ bytesPerS: 1e8, dirtyIntensity: 0, workingSetBytes: 0 }),
  network: { type: 'star', portBytesPerS: 1e9 },
  migrationOverheadFraction: 0.1,
  applications: [{ name: 'vision', arrivals: { type: 'poisson', perS: 60 }, services }],
});
const start = sim.Twin.create(model, 1);
for (const variant of [0, 1]) {
  for (const replicas of [1, 2, 3]) {
    const twin = start.fork();
    sim.setVariant(twin, 0, 0, variant);
    sim.setReplicas(twin, 0, 0, replicas);
    sim.advance(twin, 600_000);
    const { applications, joulesPerRequest } = sim.summarize(twin).summary;
    const { accuracy, latencyMs, completed } = applications![0]!;
    const what = `${variants[variant]!.name.padEnd(10)} × ${replicas}: ${completed} answers`;
    const quality = `p99 ${latencyMs.p99.toFixed(0)} ms, accuracy ${accuracy.toFixed(2)}`;
    console.log(`${what}, ${quality}, ${joulesPerRequest!.toFixed(2)} J each`);
  }
}
