/** CloudSim 4.0's PlanetLab power benchmark, bit for bit. */

export {
  type CloudSimDetector,
  type CloudSimOptions,
  type CloudSimPass,
  type CloudSimRecorder,
  type CloudSimResult,
  type CloudSimSelection,
  defaultParameters,
} from './options.ts';
export { runCloudSim } from './run.ts';
