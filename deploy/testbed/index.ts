/** What the command `wattwin testbed` and tests use of a testbed. */
export { takeDown } from './down.ts';
export {
  AgentClient,
  type AgentOptions,
  type AgentReport,
  type AgentStat,
  openAgent,
} from './guests/agent-client.ts';
export { defaultCacheDirectory, guestImages, hasImages } from './guests/images.ts';
export { controlHost, type HostVerb, hostVerbs } from './hosts-control.ts';
export { testbedLayout } from './layout.ts';
export { type DiskKind, diskKinds, hostOf, type TestbedPlan, type TestbedSpec } from './plan.ts';
export { imageLacks, requireNothing, testbedLacks, thisMachine } from './prerequisites.ts';
export { type Programs, runInteractively, systemPrograms } from './programs.ts';
export { loadPlan } from './state.ts';
export { type HostStatus, readStatus, type TestbedStatus, type VmStatus } from './status.ts';
export { TestbedError, type TestbedErrorCode } from './testbed-error.ts';
export { bringUp, type UpOptions, usualCpuShares } from './up.ts';
