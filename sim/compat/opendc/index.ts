/** OpenDC's semantics on its own files: an engine of its own, apart from the twin's. */
export {
  type BatteryResult,
  type OpenDcBattery,
  type PowerProfile,
  replayBattery,
} from './battery.ts';
export type { OpenDcCheckpoints } from './checkpoints.ts';
export type { OpenDcFailure, OpenDcFailures } from './failures.ts';
export type { OpenDcHostGroup } from './hosts.ts';
export type { CarbonSteps } from './meter.ts';
export {
  type OpenDcPowerModel,
  parsePowerModel,
  powerFunction,
  powerModelGrammar,
} from './power-model.ts';
export type { OpenDcResult } from './result.ts';
export { type OpenDcOptions, runOpenDc } from './run.ts';
export type { OpenDcWorkload } from './workload.ts';
