/** The public names of `deploy/`: real hosts, read over OpenSSH. */
export { type Clock, systemClock } from './clock.ts';
export { type MetricsLine, metricsLine, metricsLineSchema } from './metrics-file/line.ts';
export {
  type MetricsEntry,
  type MetricsFile,
  parseMetricsLine,
  readMetricsFile,
} from './metrics-file/reader.ts';
export { MetricsWriter, type MetricsWriterOptions } from './metrics-file/writer.ts';
export { type OperationCode, OperationError, printable } from './operation-error.ts';
export type { Ability, HostCapabilities } from './probe/capabilities.ts';
export { type ProbeOptions, probeHost } from './probe/probe.ts';
export { checkHostNames, isHostName } from './ssh/host-name.ts';
export { shellWord } from './ssh/quote.ts';
export { openSsh, type RemoteAnswer, type SshOptions, type Transport } from './ssh/transport.ts';
export { type Doubt, doubts, type Observed } from './telemetry/doubts.ts';
export {
  type HostOutcome,
  type Observation,
  type ObserveOptions,
  observeHosts,
} from './telemetry/observe.ts';
export { type HostReading, readHost, readingSections } from './telemetry/reading.ts';
export type { HostSample } from './telemetry/sample.ts';
