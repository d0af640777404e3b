import type { ComponentHost } from '../../sim/power/components.ts';
import { maxtorDiamondMax, psuEfficiency } from '../../sim/power/devices.ts';

/** Two packages of two cores between 0.5 and 1 GHz, with round numbers. */
export const smallComponentHost: ComponentHost = {
  packages: 2,
  coresPerPackage: 2,
  voltage: { frequenciesHz: [0.5e9, 1e9], volts: [0.8, 1.1] },
  sharedVoltage: false,
  core: { capacitanceF: 5e-9, leakageA: 2, referenceV: 1, referenceC: 60, leakagePerK: 0.02 },
  idleRelativePower: 0.25,
  uncore: { lowW: 10, highW: 20, sleepW: 4 },
  dram: { gib: 32, idleWPerGib: 0.25, joulesPerByte: 5e-10 },
  disk: { ...maxtorDiamondMax, count: 2 },
  nic: { idleW: 5, joulesPerByte: 1e-8 },
  fan: { fullW: 40, speedMin: 0.5, lowC: 30, highC: 80 },
  psu: { count: 2, ratedW: 500, efficiency: psuEfficiency.platinum },
  baseW: 30,
};
