/** The twin's public names. */
export {
  assert,
  formatIssue,
  InputError,
  InvariantError,
  type Issue,
  inputError,
} from './errors.ts';
export { RandomStream } from './rng.ts';
export {
  createWorkload,
  sharedFloat64,
  sharedInt32,
  sharedUint16,
  sliceWorkload,
  type VmSpec,
  type Workload,
} from './workload.ts';
