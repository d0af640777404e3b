/** A clock on which it is always the same moment; waiting takes no time. */
import type { Clock } from '../../../deploy/index.ts';

export const stoppedClock = (atMs: number): Clock => ({
  wallMs: () => atMs,
  monotonicMs: () => 0,
  sleep: () => Promise.resolve(),
  after: () => () => undefined,
});
