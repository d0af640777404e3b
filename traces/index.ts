/** The public names of the trace readers. */
export { type AlibabaOptions, readAlibaba } from './alibaba.ts';
export { type AzureOptions, readAzure } from './azure.ts';
export { type AzurePackingOptions, readAzurePacking } from './azure-packing.ts';
export { type BitbrainsOptions, readBitbrains } from './bitbrains.ts';
export { type CacheSource, readCached } from './cache.ts';
export {
  type CarbonOptions,
  type RatedOptions,
  type RatedReport,
  readCarbonTrace,
  readPriceTrace,
} from './carbon.ts';
export { readColumns, writeColumns } from './columns.ts';
export { type CsvOptions, readCsv } from './csv.ts';
export { type CsvMapping, parseMapping } from './csv-mapping.ts';
export { type DemandProfile, type DemandProfileName, demandProfiles } from './demand-profiles.ts';
export { FetchError, type FetchErrorCode } from './download.ts';
export {
  type FetchedTrace,
  type FetchOptions,
  fetchTrace,
  type TraceSource,
  type TraceSourceName,
  traceCatalogue,
} from './fetch.ts';
export { type GoogleOptions, readGoogle } from './google.ts';
export {
  type OpenDcCarbon,
  type OpenDcConsumption,
  type OpenDcTasks,
  readCarbon,
  readConsumption,
  readOpenDcTasks,
  readOpenDcTasksSync,
} from './opendc.ts';
export { type OpenDcOptions, readOpenDcWorkload } from './opendc-workload.ts';
export { cloudsimVmSizes, type PlanetlabOptions, readPlanetlab, type VmSize } from './planetlab.ts';
export {
  detectFormat,
  type PathFormat,
  readTrace,
  readWorkload,
  type WorkloadSpec,
} from './read.ts';
export type { Trace, TraceFormat, TraceReport } from './report.ts';
export { type Distribution, summarize, type WorkloadSummary } from './summary.ts';
export { createSynthetic, type SyntheticOptions } from './synthetic.ts';
