/**
 * The hardware of one host over time: CPUs at frequencies, what the VMs do on them, what that takes, and
 * the files that show and set it.
 *
 * Power is constant between two settlements, each of which looks at the VMs' counters: every tick, before
 * every change of frequency, and when a counter is read.
 */
import { CgroupCaps } from './cgroup-caps.ts';
import type { CgroupLayout } from './cgroup-layout.ts';
import type { HardwareClock } from './clock.ts';
import type { HardwareConfig } from './config.ts';
import { Policy, policyDirectory } from './cpufreq.ts';
import type { Faults } from './faults.ts';
import { attribute, type DirectoryNode, directory, procFile } from './file-tree.ts';
import { trackUtilization } from './governors.ts';
import type { MeterReading } from './meter.ts';
import { layTime, threadLimits } from './placement.ts';
import { PowerLimiter } from './power-limit.ts';
import { type CpuActivity, hostPower } from './power-physics.ts';
import { EnergyCounter, powercapDirectory } from './powercap.ts';
import { cpuinfoText, statText, uptimeText } from './proc-files.ts';
import { VmThreads } from './vm-threads.ts';

/** RAPL counts every 1 ms or so: two reads closer together see the same. */
const settleMinS = 0.001;
/** Time of a thread that waits to be laid on a CPU: what a CPU at its highest frequency does in so long. */
const waitMaxS = 0.05;
/** Between two looks at vCPUs, pinning, and whether quotas are still ours. */
const scanS = 1;

interface CpuState {
  readonly policy: Policy;
  /** As the scheduler tracks it, of the highest frequency. */
  tracked: number;
  /** Shown in `/proc/stat`. */
  guestS: number;
  idleS: number;
  /** Since the last tick and the last reading of the meter. */
  busyInTickS: number;
  busyInReadingS: number;
}

/** What the host stands on. */
export interface HardwarePorts {
  readonly clock: HardwareClock;
  readonly cgroups: CgroupLayout;
  /** What is broken at this moment. */
  faults(): Faults;
  /** The machine's own `/proc/cpuinfo`, and a number of this boot. */
  readonly cpuinfo: string;
  readonly bootId: string;
}

/** One emulated host; the caller ticks it. */
export class HostHardware {
  readonly #config: HardwareConfig;
  readonly #ports: HardwarePorts;
  readonly #policies: readonly Policy[];
  readonly #cpus: readonly CpuState[];
  readonly #topKhz: number;
  readonly #limiter: PowerLimiter;
  readonly #counters: {
    readonly package: EnergyCounter;
    readonly core: EnergyCounter;
    readonly dram: EnergyCounter;
  };
  /** What really went through, whatever the counters show. */
  readonly #truthJ = { wall: 0, package: 0, core: 0, dram: 0 };
  readonly #threads: VmThreads;
  readonly #caps: CgroupCaps;
  readonly #startS: number;
  readonly #bootS: number;
  #settledS: number;
  #tickedS: number;
  #scannedS: number;
  #reading: { readonly atS: number; readonly energyJ: number };

  constructor(config: HardwareConfig, ports: HardwarePorts) {
    this.#config = config;
    this.#ports = ports;
    this.#policies = policiesOf(config);
    this.#cpus = this.#policies.flatMap((policy) =>
      policy.cpus.map(() => ({
        policy,
        tracked: 0,
        guestS: 0,
        idleS: 0,
        busyInTickS: 0,
        busyInReadingS: 0,
      })),
    );
    this.#topKhz = config.operatingPoints.at(-1)!.khz;
    this.#limiter = new PowerLimiter(config);
    const counter = (): EnergyCounter => new EnergyCounter(config);
    this.#counters = { package: counter(), core: counter(), dram: counter() };
    this.#threads = new VmThreads(ports.cgroups, config.machineGroup, config.cpus);
    this.#caps = new CgroupCaps(ports.cgroups, config.machineGroup);
    const now = ports.clock.monotonicS();
    this.#startS = now;
    this.#bootS = ports.clock.wallS();
    this.#settledS = now;
    this.#tickedS = now;
    this.#scannedS = now;
    this.#reading = { atS: now, energyJ: 0 };
    this.#threads.scan();
    this.apply();
  }

  /** Real cores that each emulated CPU is now. */
  get #capacity(): number[] {
    return this.#cpus.map(({ policy }) => (policy.currentKhz / this.#topKhz) * this.#config.share);
  }

  /** Accounts for everything until now. */
  settle(): void {
    const { clock } = this.#ports;
    const startS = clock.monotonicS();
    if (startS - this.#settledS < settleMinS) return;
    const usage = this.#threads.collect();
    // On a busy machine this program may have waited for a CPU among its looks at the counters.
    const now = (startS + clock.monotonicS()) / 2;
    const elapsedS = now - this.#settledS;
    this.#settledS = now;
    const capacity = this.#capacity;
    const { busyS, leftS } = layTime(
      usage,
      capacity.map((cores) => cores * elapsedS),
      waitMaxS * this.#config.share,
    );
    this.#threads.keep(leftS);
    const activities = this.#cpus.map(({ policy }, cpu) => ({
      khz: policy.currentKhz,
      utilization: Math.min(1, busyS[cpu]! / (capacity[cpu]! * elapsedS)),
    }));
    this.#account(activities, elapsedS);
    for (const policy of this.#policies) policy.advance(elapsedS);
  }

  #account(activities: readonly CpuActivity[], elapsedS: number): void {
    const { frozenCounters } = this.#ports.faults();
    activities.forEach(({ khz, utilization }, index) => {
      const cpu = this.#cpus[index]!;
      const busyS = utilization * elapsedS;
      cpu.tracked = trackUtilization(cpu.tracked, (utilization * khz) / this.#topKhz, elapsedS);
      cpu.busyInTickS += busyS;
      cpu.busyInReadingS += busyS;
      if (frozenCounters) return;
      cpu.guestS += busyS;
      cpu.idleS += elapsedS - busyS;
    });
    const power = hostPower(activities, this.#config.operatingPoints, this.#config.power);
    this.#limiter.advance(power.packageW, elapsedS);
    this.#truthJ.wall += power.wallW * elapsedS;
    for (const part of ['package', 'core', 'dram'] as const) {
      const energyJ = power[`${part}W`] * elapsedS;
      this.#truthJ[part] += energyJ;
      if (!frozenCounters) this.#counters[part].add(energyJ);
    }
  }

  /** What happens every `tickMs`: governors and power limits choose frequencies, threads may move. */
  tick(): void {
    const now = this.#ports.clock.monotonicS();
    if (now - this.#scannedS >= scanS || this.#threads.isStale) {
      this.#scannedS = now;
      this.#threads.scan();
      this.#caps.distrust();
    }
    this.settle();
    const elapsedS = this.#settledS - this.#tickedS;
    if (elapsedS < settleMinS) return;
    this.#tickedS = this.#settledS;
    const capacity = this.#capacity;
    const activities = this.#cpus.map(({ policy, busyInTickS }) => ({
      khz: policy.currentKhz,
      utilization: Math.min(1, busyInTickS / elapsedS),
    }));
    for (const policy of this.#policies) {
      policy.sample({
        utilization: Math.max(...policy.cpus.map((cpu) => this.#cpus[cpu]!.tracked)),
        load: Math.max(...policy.cpus.map((cpu) => activities[cpu]!.utilization)),
      });
    }
    // Behind the governors, so that what they just asked for is held to the limit too.
    this.#limit(activities, elapsedS);
    this.#threads.endTick(capacity, elapsedS);
    for (const cpu of this.#cpus) cpu.busyInTickS = 0;
    this.#setCaps();
  }

  /** Lets changed limits and frequencies have their effect at once. */
  apply(): void {
    const activities = this.#cpus.map(({ policy: { currentKhz }, tracked }) => ({
      khz: currentKhz,
      utilization: Math.min(1, (tracked * this.#topKhz) / currentKhz),
    }));
    this.#limit(activities, this.#config.tickMs / 1000);
    this.#setCaps();
  }

  /** Holds the CPUs to the power limits, going by how busy they were at which frequency. */
  #limit(activities: readonly CpuActivity[], nextS: number): void {
    const demands = activities.map((activity, cpu) => ({
      ...activity,
      requestedKhz: this.#cpus[cpu]!.policy.requestedKhz,
    }));
    const { operatingPoints, power } = this.#config;
    const ceilingKhz = this.#limiter.ceilingKhz(demands, operatingPoints, power, nextS);
    for (const policy of this.#policies) policy.limitTo(ceilingKhz);
  }

  #setCaps(): void {
    if (this.#ports.faults().uncapped) {
      this.#caps.release();
      return;
    }
    const capacity = this.#capacity;
    const total = capacity.reduce((sum, cores) => sum + cores, 0);
    const { threads } = this.#threads;
    const limits = threadLimits(threads, capacity);
    const byVm = new Map<string, number>();
    threads.forEach(({ vm, isVcpu }, index) => {
      if (isVcpu) byVm.set(vm, Math.min(total, (byVm.get(vm) ?? 0) + limits[index]!));
    });
    this.#caps.apply(total, byVm);
  }

  /** Lets the VMs go: without this hardware they run as fast as the machine lets them. */
  release(): void {
    this.#caps.release();
  }

  /** What the meter at the plug shows; begins the interval of the next reading. */
  readMeter(): MeterReading {
    this.settle();
    const atS = this.#settledS;
    const elapsedS = atS - this.#reading.atS;
    const energyJ = this.#truthJ.wall;
    const powerW = elapsedS > 0 ? (energyJ - this.#reading.energyJ) / elapsedS : 0;
    this.#reading = { atS, energyJ };
    const utilization = this.#cpus.map((cpu) => {
      const busy = elapsedS > 0 ? Math.min(1, cpu.busyInReadingS / elapsedS) : 0;
      cpu.busyInReadingS = 0;
      return busy;
    });
    return {
      elapsedS: atS - this.#startS,
      energyJ,
      powerW,
      packageJ: this.#truthJ.package,
      coreJ: this.#truthJ.core,
      dramJ: this.#truthJ.dram,
      utilization,
      mhz: this.#cpus.map(({ policy }) => policy.currentKhz / 1000),
    };
  }

  /** The files of the host: `cpufreq`, `powercap` and `proc`. */
  files(): DirectoryNode {
    const settle = (): void => this.settle();
    const apply = (): void => this.apply();
    const { cpuinfo, bootId, faults } = this.#ports;
    const policies = this.#policies.map(
      (policy) =>
        [
          `policy${policy.number}`,
          policyDirectory(policy, this.#config, {
            settle,
            apply,
            ignoresGovernors: () => faults().ignoreGovernorWrites,
            isReadOnly: () => faults().readOnlyFrequencies,
          }),
        ] as const,
    );
    const settled = (text: () => string): (() => string) => {
      return () => {
        this.settle();
        return text();
      };
    };
    return directory({
      cpufreq: directory(Object.fromEntries(policies)),
      powercap: powercapDirectory(this.#counters, this.#limiter, this.#config, { settle, apply }),
      proc: directory({
        stat: procFile(settled(() => statText(this.#cpus, this.#bootS))),
        uptime: procFile(settled(() => uptimeText(this.#settledS - this.#startS, this.#cpus))),
        cpuinfo: procFile(() =>
          cpuinfoText(
            cpuinfo,
            this.#cpus.map(({ policy }) => policy.currentKhz),
          ),
        ),
        boot_id: { ...attribute(() => bootId), size: 0 },
      }),
    });
  }
}

function policiesOf(config: HardwareConfig): Policy[] {
  const policies: Policy[] = [];
  for (let first = 0; first < config.cpus; first += config.cpusPerPolicy) {
    const length = Math.min(config.cpusPerPolicy, config.cpus - first);
    policies.push(
      new Policy(
        first,
        Array.from({ length }, (_, index) => first + index),
        config,
      ),
    );
  }
  return policies;
}
