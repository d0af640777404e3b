/**
 * The PlanetLab power benchmark's constants, as CloudSim 4.0 has them
 * (`examples/power/Constants.java`, `power/models/*.java`, tag `cloudsim-4.0`).
 */

/** Samples of one day's trace, one each `intervalS`. */
export const samplesPerDay = 288;
/** Time between periodic updates, s. */
export const intervalS = 300;
/** Time at which all tasks are handed in; periodic updates follow at `submitS + n × intervalS`. */
export const submitS = 0.1;
/** Simulated time after which no event is handled, s. */
export const limitS = 86_400;
/** Utilization samples a VM remembers. */
export const historyMax = 30;

/** VM types in the order they are dealt out: blocks of ⌈VMs / 4⌉. */
export const vmTypeMips: readonly number[] = [2500, 2000, 1000, 500];
/** Memory of each VM type, MB. Decides the migration's length and, at the start, the placement. */
export const vmTypeMemoryMb: readonly number[] = [870, 1740, 1740, 613];

/** Host `i` has type `i % 2`: HP ProLiant ML110 G4 (Xeon 3040) and G5 (Xeon 3075). */
export const hostTypeCount = 2;
/** Speed of one of the two cores, MIPS. */
export const hostTypeCoreMips: readonly number[] = [1860, 2660];
/** Speed of both cores, MIPS. */
export const hostTypeTotalMips: readonly number[] = [3720, 5320];
/** Memory of a host, MB. */
export const hostMemoryMb = 4096;
/** A host's storage (1,000,000 MB) holds this many VM images (2,500 MB each). */
export const vmsPerHostMax = 400;

/** Half of a host's 1 Gbit/s carries migrations: 1,000,000 / (2 × 8000) MB/s. */
export const migrationMbPerS = 62.5;

/** Fraction of its MIPS a VM loses while it migrates away. */
export const migratingShare = 0.9;
/** Fraction of its MIPS a VM takes on the host it migrates to. */
export const arrivingShare = 0.1;

/** Utilization above which a host counts as overloaded while a detector lacks history. */
export const fallbackThreshold = 0.7;

/**
 * Host power at 0, 10, …, 100 % load, W (SPECpower_ssj2008 results of the two machines). Twelve
 * columns a row: the last repeats 100 %, so that a rounding error above full load stays in range.
 */
export const hostPowerW: Float64Array = Float64Array.of(
  ...[86, 89.4, 92.6, 96, 99.5, 102, 106, 108, 112, 114, 117, 117],
  ...[93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135, 135],
);
/** Columns of one row of `hostPowerW`. */
export const powerColumns = 12;
