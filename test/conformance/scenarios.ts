/** Small clusters in every situation a policy must cope with. */
import { StepTrace } from '../../sim/index.ts';
import {
  type ClusterOptions,
  type HostOptions,
  threePstates,
  type VmOptions,
} from '../builders.ts';

export interface PolicyScenario {
  readonly title: string;
  readonly cluster: ClusterOptions;
  /** Whether memory is enough for all VMs that are ever there at once, on any packing. */
  readonly roomy: boolean;
}

const rows = 10;
const intervalS = 300;

/** Length of a scenario's run and time between decisions, ms. */
export const scenarioMs = rows * intervalS * 1000;
export const decisionMs = intervalS * 1000;

/** Demand of `vm` in `rows` rows, between 0 and `peakMips`, repeatable and without pattern. */
function uneven(vm: number, peakMips: number): number[] {
  return Array.from({ length: rows }, (_, row) => {
    const mixed = Math.imul(vm * 31 + row + 1, 0x9e3779b1) >>> 16;
    return mixed % (peakMips + 1);
  });
}

/** So many seconds without a fault and with it, in turns. */
const spells = (upS: number, downS: number) => ({
  upMs: { type: 'constant', mean: upS * 1000 } as const,
  downMs: { type: 'constant', mean: downS * 1000 } as const,
});

function vmsOf(count: number, make: (vm: number) => VmOptions): VmOptions[] {
  return Array.from({ length: count }, (_, vm) => make(vm));
}

const fewHosts: readonly HostOptions[] = [
  { pstates: threePstates },
  { pstates: threePstates, cores: 8, memoryGib: 32 },
  { coreMips: 2000, idleW: 150, fullW: 400 },
  { coreMips: 800, idleW: 40, fullW: 70, offW: 0, memoryGib: 8 },
  { pstates: threePstates, initiallyOn: false },
];

const situations: readonly PolicyScenario[] = [
  { title: 'no VMs', cluster: { hosts: 3, steps: rows }, roomy: true },
  {
    title: 'no VM yet, one arrives later',
    cluster: { hosts: 2, steps: rows, vms: [{ demandMips: 900, arrivalS: 1000 }] },
    roomy: true,
  },
  {
    title: 'one host',
    cluster: { hosts: 1, vms: vmsOf(4, (vm) => ({ demandMips: uneven(vm, 2000), host: 0 })) },
    roomy: true,
  },
  {
    title: 'one host that is off',
    cluster: {
      hosts: [{ initiallyOn: false }],
      vms: vmsOf(3, (vm) => ({ demandMips: uneven(vm, 900) })),
    },
    roomy: true,
  },
  {
    title: 'all VMs waiting',
    cluster: { hosts: 6, vms: vmsOf(16, (vm) => ({ demandMips: uneven(vm, 1500) })) },
    roomy: true,
  },
  {
    title: 'three times as much demand as capacity',
    cluster: {
      hosts: 4,
      vms: vmsOf(24, (vm) => ({
        demandMips: uneven(vm, 4000).map((mips) => (1000 + mips / 2) | 0),
        host: vm % 5 === 4 ? -1 : vm % 4,
      })),
    },
    roomy: true,
  },
  {
    title: 'idle VMs on every host',
    cluster: { hosts: 5, vms: vmsOf(5, (vm) => ({ demandMips: 50, host: vm })), steps: rows },
    roomy: true,
  },
  {
    title: 'VMs that ask for nothing',
    cluster: { hosts: 3, vms: vmsOf(6, (vm) => ({ demandMips: 0, host: vm % 3 })), steps: rows },
    roomy: true,
  },
  {
    title: 'hosts of several kinds with P-states',
    cluster: {
      hosts: fewHosts,
      vms: vmsOf(12, (vm) => ({
        demandMips: uneven(vm, 1800),
        vcpuMips: vm % 3 === 0 ? 2000 : 1000,
        memoryGib: 1 + (vm % 3),
        host: vm % 4,
      })),
    },
    roomy: true,
  },
  {
    title: 'all hosts off at the start',
    cluster: {
      hosts: [{ initiallyOn: false }, { initiallyOn: false }, { initiallyOn: false, cores: 8 }],
      vms: vmsOf(7, (vm) => ({ demandMips: uneven(vm, 1200), arrivalS: vm * 200 })),
    },
    roomy: true,
  },
  {
    title: 'arrivals and departures',
    cluster: {
      hosts: fewHosts,
      vms: vmsOf(20, (vm) => ({
        demandMips: uneven(vm, 1600),
        arrivalS: (vm % 7) * 311,
        ...(vm % 2 === 0 ? { departureS: (vm % 7) * 311 + 450 + 37 * vm } : {}),
      })),
    },
    roomy: true,
  },
  {
    title: 'more memory asked for than there is',
    cluster: {
      hosts: [{ memoryGib: 4 }, { memoryGib: 4 }, { memoryGib: 6 }],
      vms: vmsOf(10, (vm) => ({ demandMips: uneven(vm, 900), departureS: 500 + 250 * vm })),
    },
    roomy: false,
  },
  {
    title: 'slow migrations that outlast the decision interval',
    cluster: {
      hosts: [{}, {}, {}, {}, { initiallyOn: false, bootMs: 700_000 }],
      vms: vmsOf(14, (vm) => ({
        demandMips: uneven(vm, 2000),
        host: vm % 3,
        ...(vm % 4 === 3 ? { departureS: 333 + 150 * vm } : {}),
      })),
      migration: { bytesPerS: 3e6, dirtyIntensity: 0.3, workingSetBytes: 1e8 },
      network: { type: 'star', portBytesPerS: 5e6 },
    },
    roomy: true,
  },
  {
    // Host 0 alone is fast enough for VM 0. Waking host 2 costs 95 W; host 1, emptied at first, is
    // later woken for 7 W, cheaper than another VM on host 0: 2000 of 8000 MIPS, 50 W.
    title: 'a sleeping host that is cheaper than a running one',
    cluster: {
      hosts: [
        { coreMips: 2000, idleW: 100, fullW: 300 },
        { idleW: 10, fullW: 20, offW: 8 },
        { initiallyOn: false },
      ],
      vms: vmsOf(8, (vm) => ({
        demandMips: 700,
        vcpuMips: vm === 0 ? 2000 : 1000,
        arrivalS: vm < 2 ? 0 : 600 + 300 * vm,
        ...(vm === 1 ? { departureS: 500 } : {}),
      })),
    },
    roomy: true,
  },
  {
    title: 'a warm aisle whose hosts slow down, and a facility with prices',
    cluster: {
      hosts: [20, 20, 34, 34, 27].map((inletC) => ({
        pstates: threePstates,
        heat: { resistanceKPerW: 0.2, capacityJPerK: 800, inletC, limitC: 58, everyMs: 30_000 },
      })),
      vms: vmsOf(13, (vm) => ({
        demandMips: uneven(vm, 1600),
        host: vm % 6 === 5 ? -1 : vm % 5,
        ...(vm % 4 === 3 ? { departureS: 900 + 111 * vm } : {}),
      })),
      facility: {
        pue: 1.3,
        pricePerKwh: new StepTrace(
          Float64Array.of(0, 600_000, 1_500_000),
          Float64Array.of(0.2, 0.4, 0.1),
        ),
        forecast: { hours: 1, error: 0.2, seed: 1 },
      },
    },
    roomy: true,
  },
  {
    title: 'telemetry that is old, missing and wrongly timed',
    cluster: {
      hosts: fewHosts,
      vms: vmsOf(12, (vm) => ({
        demandMips: uneven(vm, 1800),
        arrivalS: vm % 4 === 0 ? 450 : 0,
        ...(vm % 5 === 4 ? { departureS: 1300 + 90 * vm } : {}),
      })),
      faults: {
        telemetry: [
          { kind: 'stale', intervals: 3, ...spells(300, 700) },
          { kind: 'missing', scope: 'vm', ...spells(500, 650) },
          { kind: 'clock', jumpMs: -700_000, ...spells(1000, 500) },
        ],
      },
    },
    roomy: true,
  },
  {
    title: 'hosts, VMs and migrations that fail',
    cluster: {
      hosts: fewHosts,
      vms: vmsOf(12, (vm) => ({ demandMips: uneven(vm, 1800), host: vm % 4 })),
      migration: { bytesPerS: 2e7, dirtyIntensity: 0.2, workingSetBytes: 1e8 },
      faults: {
        hosts: [
          { hosts: [0, 2], ...spells(700, 400) },
          { hosts: [1, 3], together: true, ...spells(1100, 200) },
        ],
        vms: { upMs: { type: 'exponential', mean: 1_500_000 } },
        migrations: { failProbability: 0.3, slowProbability: 0.3 },
        restartMs: 100_000,
      },
    },
    // Not while hosts are down.
    roomy: false,
  },
  {
    title: 'VMs faster than any host',
    cluster: {
      hosts: [{ coreMips: 500 }, { coreMips: 700 }, { coreMips: 700 }],
      vms: vmsOf(6, (vm) => ({ demandMips: uneven(vm, 2000), vcpuMips: 3000 })),
    },
    roomy: true,
  },
];

export const policyScenarios = situations.map(
  (scenario): PolicyScenario => ({
    ...scenario,
    cluster: { intervalS, steps: rows, ...scenario.cluster },
  }),
);
