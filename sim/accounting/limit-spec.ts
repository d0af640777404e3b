/** Power limits as immutable data; the loops that keep them stand in `power-limits.ts`. */

/** How a host keeps its own limit: by its VMs' CPU, or by its P-states as RAPL does. */
export const hostLimitMeans = ['vms', 'pstates'] as const;

export type HostLimitMeans = (typeof hostLimitMeans)[number];

/** Limits at the start, W (Infinity for none); all may be changed by `setPowerLimit`. */
export interface PowerLimitSpec {
  /** [vms] On what a VM is charged: its share of idle power, its work, its moves. */
  readonly vmCpuW: Float64Array;
  /** [vms] On what a VM's disk requests add to the disk's power. */
  readonly vmDiskW: Float64Array;
  /** [hosts] On the whole host. */
  readonly hostW: Float64Array;
  readonly means: HostLimitMeans;
  /** Time between looks at the ledger, ms; of the disk loop a multiple of it. */
  readonly everyMs: number;
  readonly diskEveryMs: number;
  /** [hosts, or 0 without disks] Energy of disks for each byte, J. */
  readonly diskJoulesPerByte: Float64Array;
  /** Size of one disk request, bytes. */
  readonly requestBytes: number;
}
