/**
 * Two equal tasks in a VM of 30 W: the host's limit slows both alike, energy containers in the guest
 * share the same total as they are told. Run: npx tsx examples/energy-e4-guest-containers.ts
 */
import * as sim from '../sim/index.ts';

console.log('enforced by   task 1, W   task 2, W   VM, W');
for (const { enforcement, taskW, totalW } of sim.guestContainers()) {
  const by = { none: 'nobody', host: 'host only', guest: 'guest and host' }[enforcement];
  console.log(
    by.padEnd(14) +
      taskW.map((watts) => watts.toFixed(2).padStart(9)).join('   ') +
      totalW.toFixed(2).padStart(8),
  );
}
