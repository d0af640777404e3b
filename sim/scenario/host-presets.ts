/**
 * Hosts that can be named in a scenario. Power comes from measurements; what no source gives
 * (memory as configured, boot and shutdown) is an assumption and said so.
 *
 * Boot and shutdown, assumed for all: 150 s at 75 % of full power, 12.5 s at 110 % of idle power,
 * 5 W while off (0 W for a board that draws less than that), the values SimGrid's energy examples
 * use in that proportion.
 */
import type { HostSpec, PstateSpec } from '../hosts/host-spec.ts';
import { componentHost, componentPstates, cpuFigures } from './presets/component-hosts.ts';

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
  offW = 5,
): HostPreset {
  const fastest = pstates[0]!;
  return {
    description,
    source,
    cores,
    memoryBytes: memoryGib * gib,
    pstates,
    offW,
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

/** Hosts whose power is calculated from their parts. */
function componentPresets(): [string, HostPreset][] {
  return Object.entries(cpuFigures).map(([name, { what, cpu }]) => {
    const component = componentHost(cpu);
    const host = preset(
      `${what}; ${cpu.memoryGib} GiB assumed`,
      'calculated from TDP, frequencies and voltages with assumed shares, see docs/models/power.md: ' +
        'expect errors of tens of percent',
      cpu.packages * cpu.coresPerPackage,
      cpu.memoryGib,
      componentPstates(component),
    );
    return [name, { ...host, component }];
  });
}

/** All presets by name. */
export const hostPresets: Readonly<Record<string, HostPreset>> = {
  'hp-ml110-g3': preset(
    'HP ProLiant ML110 G3, Pentium D 930, 2 cores at 3000 MIPS; 4 GiB assumed',
    'SPECpower_ssj2008 via CloudSim 4.0 PowerModelSpecPowerHpProLiantMl110G3PentiumD930',
    2,
    4,
    specCurve(3000, [105, 112, 118, 125, 131, 137, 147, 153, 157, 164, 169]),
  ),
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
  'ibm-x3250-m3-x3470': preset(
    'IBM System x3250 M3, Xeon X3470, 4 cores at 2933 MHz; 8 GiB assumed',
    'SPECpower_ssj2008 via CloudSim 4.0 PowerModelSpecPowerIbmX3250XeonX3470',
    4,
    8,
    specCurve(2933, [41.6, 46.7, 52.3, 57.9, 65.4, 73, 80.7, 89.5, 99.6, 105, 113]),
  ),
  'ibm-x3250-m3-x3480': preset(
    'IBM System x3250 M3, Xeon X3480, 4 cores at 3067 MHz; 8 GiB assumed',
    'SPECpower_ssj2008 via CloudSim 4.0 PowerModelSpecPowerIbmX3250XeonX3480',
    4,
    8,
    specCurve(3067, [42.3, 46.7, 49.7, 55.4, 61.8, 69.3, 76.1, 87, 96.1, 106, 113]),
  ),
  'cosco-b2s': preset(
    'the host that COSCO and SciNet put under an Azure B2s VM: 2 cores, 4 GiB',
    'SPECpower_ssj2008 power_ssj2008-20110124-00340, a whole server charged to one VM, as used by ' +
      'COSCO; its 4029 MIPS over 2 cores',
    2,
    4,
    specCurve(2014.5, [75.2, 78.2, 84.1, 89.6, 94.9, 100, 105, 109, 112, 115, 117]),
  ),
  'cosco-b4ms': preset(
    'the host that COSCO and SciNet put under an Azure B4ms VM: 4 cores, 16 GiB',
    'SPECpower_ssj2008 power_ssj2008-20080506-00052, a whole server charged to one VM, as used by ' +
      'COSCO; speed of a core assumed to be that of B2s (COSCO counts the VM as slow as B2s)',
    4,
    16,
    specCurve(2014.5, [71, 77.9, 83.4, 89.2, 95.6, 102, 108, 114, 119, 123, 126]),
  ),
  'cosco-b8ms': preset(
    'the host that COSCO and SciNet put under an Azure B8ms VM: 8 cores, 32 GiB',
    'SPECpower_ssj2008 power_ssj2008-20140408-00655, a whole server charged to one VM, as used by ' +
      'COSCO; its 16111 MIPS over 8 cores',
    8,
    32,
    specCurve(2013.875, [68.7, 78.3, 84, 88.4, 92.5, 97.3, 104, 111, 121, 131, 137]),
  ),
  'raspberry-pi-3': preset(
    'Raspberry Pi, 4 cores at 1200 MHz, 1 GiB; 0 W while off',
    'PowerPi (LCN 2014), as used by COSCO for a Raspberry Pi 3',
    4,
    1,
    specCurve(1200, [0.45, 0.78, 0.9, 1.03, 1.65, 1.66, 1.69, 1.71, 1.72, 1.74, 1.75]),
    0,
  ),
  'core2-quad-q6700': preset(
    'Core 2 Quad Q6700, one of its four cores, five P-states; 4 GiB assumed',
    'measured by Guérout et al. (2013), Simulation Modelling Practice and Theory 39, doi ' +
      '10.1016/j.simpat.2013.04.007; idle power at 2125 MHz is printed as 85.95 W, out of line with ' +
      'its neighbours: 82.98 W, their mean, assumed',
    1,
    4,
    // 100, 89.89, 79.89, 69.93 and 59.925 % of 2660 MHz.
    perPstate([
      [2660, 83.25, 103],
      [2391, 83.1, 99.45],
      [2125, 82.98, 95.5],
      [1860, 82.85, 92],
      [1594, 82.75, 88.77],
    ]),
  ),
  ...Object.fromEntries(componentPresets()),
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
