/** Pre-copy as the textbook has it, in plain numbers: the plain twin of `sim/migration/`. */

export interface PreCopy {
  readonly memoryBytes: number;
  readonly bytesPerS: number;
  readonly dirtyBytesPerS: number;
  readonly workingSetBytes: number;
  readonly downtimeLimitS: number;
  readonly roundsMax: number;
  readonly resumeS: number;
}

/** Sends V₀ = R, then V₊ = min(D·V/B, W), until V ≤ B·downtime or the rounds are used up. */
export function preCopy(spec: PreCopy): {
  rounds: number;
  preCopyS: number;
  downtimeS: number;
  bytes: number;
} {
  let volume = spec.memoryBytes;
  let bytes = 0;
  let preCopyS = 0;
  let rounds = 0;
  do {
    const seconds = volume / spec.bytesPerS;
    bytes += volume;
    preCopyS += seconds;
    rounds++;
    volume = Math.min(Math.floor(spec.dirtyBytesPerS * seconds + 0.001), spec.workingSetBytes);
  } while (
    volume > Math.floor(spec.bytesPerS * spec.downtimeLimitS + 0.001) &&
    rounds < spec.roundsMax
  );
  bytes += volume;
  return { rounds, preCopyS, downtimeS: volume / spec.bytesPerS + spec.resumeS, bytes };
}
