/** The one place of this program that knows what time it is. */

/** Time of the emulated host. */
export interface HardwareClock {
  /** Time that never goes back and does not jump, s since an arbitrary start. */
  monotonicS(): number;
  /** Wall-clock time, s since 1970 UTC. */
  wallS(): number;
  /** Calls again and again, `ms` after the last call came back. @returns What ends it. */
  every(ms: number, then: () => void): () => void;
  /** Calls once after `ms`. */
  after(ms: number, then: () => void): void;
}

/** The machine's own clocks. */
export const machineClock: HardwareClock = {
  monotonicS: () => performance.now() / 1000,
  wallS: () => Date.now() / 1000,
  every: (ms, then) => {
    let timer = setTimeout(again, ms);
    function again(): void {
      then();
      timer = setTimeout(again, ms);
    }
    return () => clearTimeout(timer);
  },
  after: (ms, then) => {
    setTimeout(then, ms);
  },
};
