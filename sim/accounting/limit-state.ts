/** What changes about power limits, as columns of the cluster's state; all empty without them. */

import type { ClusterModel } from '../model.ts';
import type { Cursor } from '../numbers/column-cursor.ts';

export interface LimitState {
  /** [vms] Limits on a VM's CPU and disk; [hosts] on a host. W; Infinity for none. */
  readonly vmCpuW: Float64Array;
  readonly vmDiskW: Float64Array;
  readonly hostW: Float64Array;
  /** [vms] Stride of the CPU loop, and the CPU that it allows, cores. */
  readonly vmStride: Float64Array;
  readonly vmCores: Float64Array;
  /** [vms × 2] Requests per window that the disk loop allows, now and before; in bytes/s. */
  readonly vmRequests: Float64Array;
  readonly vmDiskBytesPerS: Float64Array;
  /** [vms] Energy charged, J, and bytes carried when a loop last read them, and when, ms. */
  readonly vmReadJ: Float64Array;
  readonly vmReadActiveJ: Float64Array;
  readonly vmReadMs: Float64Array;
  readonly vmDiskReadBytes: Float64Array;
  readonly vmDiskReadMs: Float64Array;
  /** [hosts] The same of a host. */
  readonly hostReadJ: Float64Array;
  readonly hostReadMs: Float64Array;
  /** [hosts] Fastest P-state that the host's limit allows. */
  readonly hostPstate: Int32Array;
  /** [hosts] 1 when rates have changed since the last look. */
  readonly hostStirred: Int32Array;
}

export function limitColumns(model: ClusterModel, take: Cursor): LimitState {
  const on = model.accounting?.limits === undefined ? 0 : 1;
  const vms = on * model.vms;
  const hosts = on * model.hosts;
  return {
    vmCpuW: take.f64(vms),
    vmDiskW: take.f64(vms),
    hostW: take.f64(hosts),
    vmStride: take.f64(vms),
    vmCores: take.f64(vms),
    vmRequests: take.f64(2 * vms),
    vmDiskBytesPerS: take.f64(vms),
    vmReadJ: take.f64(vms),
    vmReadActiveJ: take.f64(vms),
    vmReadMs: take.f64(vms),
    vmDiskReadBytes: take.f64(vms),
    vmDiskReadMs: take.f64(vms),
    hostReadJ: take.f64(hosts),
    hostReadMs: take.f64(hosts),
    hostPstate: take.i32(hosts),
    hostStirred: take.i32(hosts),
  };
}
