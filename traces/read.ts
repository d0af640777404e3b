/** One door to all readers: a path whose format is found out, or a description that names it. */
import type { Workload } from '../sim/index.ts';
import { type PlanetlabOptions, readPlanetlab } from './planetlab.ts';
import type { Trace } from './report.ts';
import { createSynthetic, type SyntheticOptions } from './synthetic.ts';

/** Which workload is wanted. A bare string is the path of a trace of any format. */
export type WorkloadSpec =
  | string
  | ({ readonly type: 'planetlab'; readonly path: string } & PlanetlabOptions)
  | ({ readonly type: 'synthetic' } & SyntheticOptions);

/** @throws InputError when the trace cannot be used. */
export function readTrace(spec: WorkloadSpec): Trace {
  if (typeof spec === 'string') return readPlanetlab(spec);
  switch (spec.type) {
    case 'planetlab':
      return readPlanetlab(spec.path, spec);
    case 'synthetic':
      return createSynthetic(spec);
  }
}

/** The workload alone. @throws InputError when the trace cannot be used. */
export function readWorkload(spec: WorkloadSpec): Workload {
  return readTrace(spec).workload;
}
