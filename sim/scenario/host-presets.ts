/**
 * Hosts that can be named in a scenario. Power comes from measurements; what no source gives
 * (memory as configured, boot and shutdown) is an assumption and said so.
 *
 * Boot and shutdown, assumed for all: 150 s at 75 % of full power, 12.5 s at 110 % of idle power,
 * 5 W while off, the values SimGrid's energy examples use in that proportion.
 */
import type { HostSpec, PstateSpec } from '../host-spec.ts';

const gib = 1024 * 1024 * 1024;

export interface HostPreset extends Omit<HostSpec, 'name'> {
  readonly description: string;
  /** Where the power figures come from. */
  readonly source: string;
}

function preset(
  description: string,
  source: string,
  cores: number,
  memoryGib: number,
  pstates: readonly PstateSpec[],
): HostPreset {
  const fastest = pstates[0]!;
  return {
    description,
    source,
    cores,
    memoryBytes: memoryGib * gib,
    pstates,
    offW: 5,
    bootMs: 150_000,
    bootW: 0.75 * fastest.fullW,
    shutdownMs: 12_500,
    shutdownW: 1.1 * fastest.idleW,
  };
}

/** One P-state with a SPECpower curve, W at 0, 10, …, 100 % load. */
function specCurve(coreMips: number, curveW: readonly number[]): readonly PstateSpec[] {
  const [idleW, fullW] = [curveW[0]!, curveW[10]!];
  return [{ coreMips, idleW, epsilonW: idleW, fullW, curveW }];
}

/** Idle and full power per frequency, fastest first; straight lines between. */
function perPstate(
  rows: readonly (readonly [coreMips: number, idleW: number, fullW: number])[],
): readonly PstateSpec[] {
  return rows.map(([coreMips, idleW, fullW]) => ({ coreMips, idleW, epsilonW: idleW, fullW }));
}

/** All presets by name. */
export const hostPresets: Readonly<Record<string, HostPreset>> = {
  'hp-ml110-g4': preset(
    'HP ProLiant ML110 G4, Xeon 3040, 2 cores at 1860 MIPS, 4 GiB',
    'SPECpower_ssj2008 via CloudSim 4.0 PowerModelSpecPowerHpProLiantMl110G4Xeon3040',
    2,
    4,
    specCurve(1860, [86, 89.4, 92.6, 96, 99.5, 102, 106, 108, 112, 114, 117]),
  ),
  'hp-ml110-g5': preset(
    'HP ProLiant ML110 G5, Xeon 3075, 2 cores at 2660 MIPS, 4 GiB',
    'SPECpower_ssj2008 via CloudSim 4.0 PowerModelSpecPowerHpProLiantMl110G5Xeon3075',
    2,
    4,
    specCurve(2660, [93.7, 97, 101, 105, 110, 116, 121, 125, 129, 133, 135]),
  ),
  'ibm-x3550-m3-x5670': preset(
    'IBM System x3550 M3, 2 × Xeon X5670, 12 cores at 2933 MHz; 48 GiB assumed',
    'SPECpower_ssj2008 via CloudSim 4.0 PowerModelSpecPowerIbmX3550XeonX5670',
    12,
    48,
    specCurve(2933, [66, 107, 120, 131, 143, 156, 173, 191, 211, 229, 247]),
  ),
  'ibm-x3550-m3-x5675': preset(
    'IBM System x3550 M3, 2 × Xeon X5675, 12 cores at 3067 MHz; 48 GiB assumed',
    'SPECpower_ssj2008 via CloudSim 4.0 PowerModelSpecPowerIbmX3550XeonX5675',
    12,
    48,
    specCurve(3067, [58.4, 98, 109, 118, 128, 140, 153, 170, 189, 205, 222]),
  ),
  'ibm-x3650-m2': preset(
    'IBM System x3650 M2, 2 × Xeon X5570, 8 cores at 2933 MHz; 48 GiB assumed',
    'SPECpower_ssj2008 power_ssj2008-20141023-00677, as used by COSCO',
    8,
    48,
    specCurve(2933, [81.4, 110, 125, 139, 153, 167, 182, 199, 214, 229, 244]),
  ),
  'grid5000-stremi': preset(
    'HP ProLiant DL165 G7 of Grid’5000 Reims, 2 × Opteron 6164 HE, 24 cores, five P-states; 48 GiB',
    'idle and full power per P-state measured by Guérout et al. (2013), Simulation Modelling ' +
      'Practice and Theory 39, doi 10.1016/j.simpat.2013.04.007; frequencies 1.7, 1.5, 1.2, 1.0 ' +
      'and 0.8 GHz are those of the CPU, assumed to be the ones measured',
    24,
    48,
    perPstate([
      [1700, 167, 272],
      [1500, 159, 260],
      [1200, 153, 249],
      [1000, 146, 238],
      [800, 140, 228],
    ]),
  ),
};

/** Preset `name` as the spec of one host called `hostName`. */
export function hostFromPreset(presetName: string, hostName: string): HostSpec {
  const found = hostPresets[presetName];
  if (found === undefined) throw new RangeError(`there is no host preset "${presetName}"`);
  const { description: _, source: __, ...spec } = found;
  return { name: hostName, ...spec };
}
