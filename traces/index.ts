/** The public names of the trace readers. */
export { type DemandProfileName, demandProfiles } from './demand-profiles.ts';
export { cloudsimVmSizes, type PlanetlabOptions, readPlanetlab, type VmSize } from './planetlab.ts';
export { readTrace, readWorkload, type WorkloadSpec } from './read.ts';
export type { Trace, TraceFormat, TraceReport } from './report.ts';
export { type Distribution, summarize, type WorkloadSummary } from './summary.ts';
export { createSynthetic, type SyntheticOptions } from './synthetic.ts';
