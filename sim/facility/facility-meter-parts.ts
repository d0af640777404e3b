/** Rows of `ClusterState.facilityMeter`: when the present rates began, and all sums up to then. */
export const meterPart = { sinceMs: 0, hostsJ: 1, wallJ: 2, money: 3, carbonG: 4 } as const;

export const facilityMeterParts = Object.keys(meterPart).length;
