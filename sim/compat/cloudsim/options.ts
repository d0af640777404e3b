/** What goes into a run of the CloudSim 4.0 benchmark and what comes out. */

/** How a host is found overloaded; `npa` and `dvfs` never migrate. */
export type CloudSimDetector = 'npa' | 'dvfs' | 'thr' | 'iqr' | 'mad' | 'lr' | 'lrr';

/** Which VM leaves an overloaded host. */
export type CloudSimSelection = 'mmt' | 'mc' | 'mu' | 'rs';

/** One benchmark run. */
export interface CloudSimOptions {
  /** CPU load of each VM in whole percent, 288 samples of 300 s. Order decides types and places. */
  readonly traces: readonly Uint8Array[];
  readonly detector: CloudSimDetector;
  /** Needed by the detectors that migrate. Default `mmt`. */
  readonly selection?: CloudSimSelection;
  /** Threshold (`thr`) or safety factor. Default: `defaultParameters[detector]`. */
  readonly parameter?: number;
  /** Number of hosts, half of each type. Default 800. */
  readonly hosts?: number;
  /** Seed of selection `rs`, which CloudSim leaves unseeded. Default 1. */
  readonly seed?: number;
  readonly recorder?: CloudSimRecorder;
}

/** Totals of a run. Ratios of an empty total are NaN, as in CloudSim. */
export interface CloudSimResult {
  /** Energy, J: 300.1 s … 86,100.1 s (`npa`: from 0 s). */
  readonly energyJ: number;
  readonly energyKwh: number;
  /** Migrations started; a VM moved on within the same round counts twice. */
  readonly migrations: number;
  /** MIPS·s asked for but not given / MIPS·s asked for, over all VMs. */
  readonly slaOverall: number;
  /** Overloaded time / active time, over all hosts (a ratio of totals). */
  readonly slatah: number;
  /** MIPS·s lost by VMs while migrating / MIPS·s asked for (a ratio of totals). */
  readonly pdm: number;
  /** `slatah × pdm`. */
  readonly slav: number;
  /** Mean of the fractions not given, over the VM states in which something was missing. */
  readonly slaAverage: number;
  /** Changes from active to inactive; a host never used counts once. */
  readonly shutdowns: number;
  /** VMs removed for good because they asked for nothing at an update. */
  readonly removedVms: number;
  /** Updates of the whole data centre. */
  readonly passes: number;
}

/** The data centre after one update. */
export interface CloudSimPass {
  readonly timeS: number;
  /** Energy so far, J. */
  readonly energyJ: number;
  /** Hosts with utilization above 0. */
  readonly activeHosts: number;
  /** Hosts with at least one VM, after removals. */
  readonly nonEmptyHosts: number;
  readonly liveVms: number;
  /** Sum of the hosts' used MIPS. */
  readonly usedMips: number;
  readonly migrationsStarted: number;
}

/** Watches a run; each method is optional and called in the order things happen. */
export interface CloudSimRecorder {
  place?(vm: number, host: number): void;
  migrate?(timeS: number, vm: number, source: number, target: number, delayS: number): void;
  pass?(pass: CloudSimPass): void;
}

/** Parameters of the published comparison (Beloglazov & Buyya 2012); 0 where none is used. */
export const defaultParameters: Readonly<Record<CloudSimDetector, number>> = {
  npa: 0,
  dvfs: 0,
  thr: 0.8,
  iqr: 1.5,
  mad: 2.5,
  lr: 1.2,
  lrr: 1.2,
};
