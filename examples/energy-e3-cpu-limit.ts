/**
 * A power limit on a VM that computes all the time: it stays at the limit or up to 1 W below, and the
 * cycles that it may not use are spent halted. Run: npx tsx examples/energy-e3-cpu-limit.ts
 */
import * as sim from '../sim/index.ts';

console.log('time, s   limit, W   VM, W   core, W   halted');
for (const { timeS, limitW, vmW, coreW, halted } of sim.cpuLimit()) {
  console.log(
    timeS.toFixed(0).padStart(7) +
      (limitW === Infinity ? 'none' : limitW.toFixed(0)).padStart(11) +
      vmW.toFixed(1).padStart(8) +
      coreW.toFixed(1).padStart(10) +
      `${(100 * halted).toFixed(0).padStart(7)} %`,
  );
}
