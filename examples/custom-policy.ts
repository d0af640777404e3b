/**
 * A policy of one's own beside two of ours: VMs go to the host with the most free memory, and the
 * emptiest host that nobody needs is switched off. Run: npx tsx examples/custom-policy.ts
 */
import * as sim from '../sim/index.ts';
import { readWorkload } from '../traces/index.ts';

const roomiest: sim.Policy = {
  name: 'roomiest',
  decide(cluster, plan) {
    const hosts = Array.from({ length: cluster.hosts }, (_, host) => host);
    const open = hosts.filter((host) => cluster.isAvailable(host));
    const free = hosts.map((host) => cluster.freeMemoryBytes(host));
    for (let index = 0; index < cluster.pendingCount(); index++) {
      const vm = cluster.pending(index);
      const best = open.reduce((a, b) => (free[b]! > free[a]! ? b : a));
      if (free[best]! < cluster.vmMemoryBytes(vm)) continue;
      free[best]! -= cluster.vmMemoryBytes(vm);
      plan.place(vm, best);
    }
    const idle = open.find((host) => free[host] === cluster.memoryBytes(host));
    if (idle !== undefined && open.length > 1) plan.powerOff(idle);
  },
};

const text = `
name: custom-policy
hosts: [{ model: ibm-x3550-m3-x5670, count: 4 }]
workload: { type: synthetic }`;
const scenario = sim.parseScenario(text, 'custom-policy');
const workload = readWorkload({ type: 'synthetic', vms: 3, steps: 48, seed: 5 });
for (const policy of [roomiest, sim.createPolicy('best-fit', ''), sim.createPolicy('all-on', '')]) {
  const twin = sim.Twin.create(sim.modelOf(scenario, workload, 'custom-policy'), scenario.seed);
  const untilMs = sim.endOf(scenario, workload);
  const { decisionEvery: decisionEveryMs } = scenario;
  const objective = sim.objectiveOf(scenario);
  const { summary } = sim.runPolicy(twin, policy, { untilMs, decisionEveryMs, objective });
  console.log(`${policy.name}: ${summary.energyKwh.toFixed(3)} kWh`);
}
