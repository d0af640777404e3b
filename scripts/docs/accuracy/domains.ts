/** Frequency domains of one host against filling each domain by itself, and changes of P-state by hand. */
import {
  advance,
  deliveredMips,
  hostEnergyNowJ,
  RandomStream,
  setDomainPstate,
  setPstate,
} from '../../../sim/index.ts';
import { shares } from '../referees/fluid-shares.ts';
import { type AccuracyGroup, type AccuracyRow, apart, Worst } from './row.ts';
import { type SmallVm, smallTwin } from './small-twin.ts';

const pstates = [
  { coreMips: 1000, idleW: 100, epsilonW: 104, fullW: 200 },
  { coreMips: 750, idleW: 90, epsilonW: 92, fullW: 150 },
  { coreMips: 500, idleW: 80, epsilonW: 81, fullW: 110 },
];
const cases = 500;
const cores = 8;

export const domains: AccuracyGroup = {
  name: 'domains',
  kind: 'exact',
  measure: () => [shareRow(), changeRow()],
};

/** vCPUs of a VM with `home` as its first core that live in each domain, by a walk over the ring. */
function vcpusByDomain(home: number, vcpus: number, count: number): number[] {
  const living = new Array<number>(count).fill(0);
  for (let vcpu = 0; vcpu < vcpus; vcpu++) {
    living[Math.floor(((home + vcpu) % cores) / (cores / count))]!++;
  }
  return living;
}

function shareRow(): AccuracyRow {
  const random = new RandomStream(1, 'domains');
  const cpu = new Worst();
  const power = new Worst();
  for (let index = 0; index < cases; index++) {
    const count = [1, 2, 4, 8][random.integer(4)]!;
    const vms = Array.from({ length: 1 + random.integer(7) }, (): SmallVm => {
      const vcpus = 1 + random.integer(6);
      return { host: 0, vcpus, demandMips: random.integer(1000 * vcpus + 1) };
    });
    const homes = vms.map(() => random.integer(cores));
    const twin = smallTwin({
      hosts: [{ cores, pstates, frequency: { domains: count } }],
      vms,
      pinnedCore: (vm) => homes[vm]!,
    });
    const rows = Array.from({ length: count }, () => random.integer(pstates.length));
    for (const [domain, row] of rows.entries()) setDomainPstate(twin, 0, domain, row);
    advance(twin, 1);
    const received = vms.map(() => 0);
    let watts = 0;
    for (const [domain, row] of rows.entries()) {
      const { coreMips, idleW, epsilonW, fullW } = pstates[row]!;
      const claims = vms.map(({ vcpus, demandMips }, vm) => {
        const home = count === 1 ? 0 : homes[vm]!;
        const living = vcpusByDomain(home, vcpus, count)[domain]!;
        return { cap: living * Math.min(demandMips / vcpus, coreMips), weight: living };
      });
      const capacity = (cores / count) * coreMips;
      const got = shares(claims, capacity);
      for (const [vm, mips] of got.entries()) received[vm]! += mips;
      const load = got.reduce((sum, mips) => sum + mips, 0) / capacity;
      watts += (load > 0 ? epsilonW + load * (fullW - epsilonW) : idleW) / count;
    }
    for (const [vm, mips] of received.entries()) {
      if (mips > 0 || deliveredMips(twin, vm) > 0) cpu.addRelative(deliveredMips(twin, vm), mips);
    }
    power.addRelative(twin.state.hostPowerW[0]!, watts);
  }
  return {
    model: 'Frequency domains',
    page: 'frequency-domains',
    referee: `each domain filled by itself, ${cases} random hosts of 8 cores in 1 to 8 domains`,
    error: `CPU of a VM ${apart(cpu.value)}; power ${apart(power.value)}`,
  };
}

/** A busy host is sent through P-states; by hand: the old power until a change ends, then the new. */
function changeRow(): AccuracyRow {
  const random = new RandomStream(2, 'changes');
  const energy = new Worst();
  for (let index = 0; index < cases; index++) {
    const latencyMs = 10 + random.integer(90);
    const twin = smallTwin({
      hosts: [{ pstates, frequency: { latencyMs, haltMs: random.integer(latencyMs) } }],
      vms: [{ host: 0, vcpus: 4, demandMips: 4000 }],
    });
    let row = 0;
    let joules = 0;
    for (let change = 0; change < 5; change++) {
      const next = random.integer(pstates.length);
      const stayMs = latencyMs + random.integer(10_000);
      setPstate(twin, 0, next);
      joules +=
        (pstates[row]!.fullW * latencyMs + pstates[next]!.fullW * (stayMs - latencyMs)) / 1000;
      advance(twin, twin.nowMs + stayMs);
      row = next;
    }
    energy.addRelative(hostEnergyNowJ(twin, 0), joules);
  }
  return {
    model: 'Changes of P-state that take time',
    page: 'frequency-domains',
    referee: `sums by hand, ${cases} random sequences of five changes`,
    error: `energy ${apart(energy.value)}`,
  };
}
