/** All groups of rows, in the order of the page. */
import { contention } from './contention.ts';
import { cstates } from './cstates.ts';
import { domains } from './domains.ts';
import { engine } from './engine.ts';
import { exactMath } from './exact-math.ts';
import { budgetLoops, experiments } from './experiments.ts';
import { facility } from './facility.ts';
import { faults } from './faults.ts';
import { governorGroup } from './governors.ts';
import { gradients } from './gradients.ts';
import { migration } from './migration.ts';
import { network } from './network.ts';
import { opendcExact, opendcFacts } from './opendc.ts';
import { oracle } from './oracle.ts';
import { powerForms } from './power-forms.ts';
import { powerMeters } from './power-meters.ts';
import { powerStates } from './power-states.ts';
import { queueing } from './queueing.ts';
import { requests } from './requests.ts';
import type { AccuracyGroup } from './row.ts';
import { serviceLevels } from './service-levels.ts';
import { cloudsim, simgrid } from './simulators.ts';
import { stepTraces } from './step-traces.ts';
import { surfCalibration, surfReplay } from './surf.ts';
import { thermal } from './thermal.ts';

export const accuracyGroups: readonly AccuracyGroup[] = [
  contention,
  domains,
  governorGroup,
  powerForms,
  cstates,
  thermal,
  powerStates,
  faults,
  migration,
  network,
  engine,
  serviceLevels,
  budgetLoops,
  requests,
  queueing,
  opendcExact,
  stepTraces,
  facility,
  exactMath,
  gradients,
  oracle,
  simgrid,
  cloudsim,
  opendcFacts,
  surfReplay,
  surfCalibration,
  powerMeters,
  experiments,
];
