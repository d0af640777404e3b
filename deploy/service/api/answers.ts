/** What the decision service answers, for the OpenAPI document. Tests hold the answers to it. */
import { z } from 'zod';
import { snapshotSchema } from '../../cluster/snapshot.ts';
import { operationSchema } from './operation-schema.ts';

const operation = operationSchema.in;
const watts = z.number().describe('W');
const joules = z.number().describe('J');
const lost = z.number().describe('CPU time asked for and not delivered, vCPU·s');
const cost = z.number().describe('the objective’s value, kWh-equivalents');
const ms = z.number().describe('ms since 1970');

const prediction = z
  .strictObject({
    horizonS: z.number(),
    energyJ: joules,
    meanW: watts,
    powerW: z.array(z.number()).describe('mean of each interval until the horizon, W'),
    lostVcpuS: lost,
    cost,
    hosts: z.array(
      z.strictObject({
        host: z.string(),
        meanW: watts,
        peakUtilization: z.number().describe('highest demand over capacity; may pass 1'),
      }),
    ),
  })
  .describe('what the twin foretells until the horizon');

const refusal = { rule: z.string(), reason: z.string() };

const item = z.strictObject({
  operation,
  forecast: z
    .strictObject({
      energyJ: z.number().describe('negative saves, J'),
      lostVcpuS: lost,
      durationS: z.number().optional(),
      downtimeS: z.number().optional(),
    })
    .optional()
    .describe('the plan with it less the plan without it'),
  state: z.enum(['planned', 'refused', 'rejected', 'running', 'done', 'failed', 'skipped']),
  refusal: z.strictObject(refusal).optional().describe('why it is not done'),
  effect: z
    .strictObject({
      elapsedMs: z.number(),
      didChange: z.boolean(),
      downtimeMs: z.number().optional(),
      transferredBytes: z.number().optional(),
      how: z.string().optional(),
    })
    .optional(),
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
  undone: z.literal(true).optional(),
});

const considered = {
  policy: z.string(),
  before: prediction,
  after: prediction,
  items: z.array(item),
  nothing: z.string().optional().describe('why there is nothing to do, where there is nothing'),
  atMs: ms,
};

export const decisionAnswer = z.strictObject(considered);

const planState = z.enum(['open', 'approved', 'rejected']);

export const planAnswer = z.strictObject({
  id: z.string(),
  state: planState,
  ...considered,
  steps: z.array(
    z.strictObject({
      operation,
      what: z.string(),
      commands: z.array(z.string()),
      after: z.array(z.int()).describe('steps that must have been done before, by index'),
    }),
  ),
});

export const placeAnswer = z.strictObject({
  atMs: ms,
  horizonS: z.number(),
  hosts: z
    .array(
      z.strictObject({
        host: z.string(),
        wake: z.boolean().describe('it is off and would be woken first'),
        estimatedW: z.number().describe('by the power curves alone, W'),
        energyJ: joules,
        lostVcpuS: lost,
        cost,
        peakUtilization: z.number(),
        addedUtilization: z.number(),
      }),
    )
    .describe('best first; differences to the cluster without the VM'),
  others: z
    .array(z.strictObject({ host: z.string(), wake: z.boolean(), estimatedW: z.number() }))
    .describe('could take it and were not simulated'),
  out: z.array(z.strictObject({ host: z.string(), ...refusal })),
});

export const whatIfAnswer = z.strictObject({
  atMs: ms,
  before: prediction,
  after: prediction,
  items: z.array(item),
});

export const rescheduleAnswer = z.strictObject({
  atMs: ms,
  planner: z.string(),
  moves: z.array(z.strictObject({ operation, what: z.string() })),
  hostsUsed: z.strictObject({ before: z.int(), after: z.int() }),
  emptied: z.array(z.string()),
  before: prediction,
  after: prediction,
  left: z.array(z.strictObject({ operation, ...refusal })),
});

const mode = z.enum(['shadow', 'recommend', 'act']);

export const decisionView = z.strictObject({
  ...considered,
  id: z.string(),
  mode,
  state: z.enum(['open', 'approved', 'rejected', 'running', 'done', 'failed', 'expired']),
});

export const decisionsAnswer = z.strictObject({ decisions: z.array(decisionView) });

export const stateAnswer = z.strictObject({
  atMs: ms,
  cluster: z.string().optional().describe('its name, where the service knows its file'),
  killSwitch: z
    .strictObject({ isOn: z.boolean(), path: z.string() })
    .optional()
    .describe('while the file exists nothing is done'),
  snapshot: snapshotSchema.nullable(),
  snapshotAgeMs: z.number().nullable(),
  controller: z
    .strictObject({
      mode,
      policy: z.string(),
      pid: z.int(),
      sinceMs: ms,
      end: z.strictObject({ atMs: ms, reason: z.string() }).optional(),
    })
    .nullable(),
  mode: mode.nullable(),
  policy: z.string().nullable(),
  lease: z.strictObject({ holder: z.string(), untilMs: ms.optional() }).nullable(),
  lastDecision: decisionView.nullable(),
  open: z.array(decisionView),
  series: z.array(z.strictObject({ atMs: ms, predictedW: watts, observedW: watts })),
  tail: z
    .array(z.looseObject({ seq: z.int(), atMs: ms, kind: z.string() }))
    .describe('the newest records of the journal'),
  seq: z.int(),
});

/** What holds after a person's word: the first one counts. */
export const verdictAnswer = z.strictObject({
  id: z.string(),
  verdict: z.enum(['approved', 'rejected']),
  atMs: ms,
  by: z.string(),
});

export const healthAnswer = z.strictObject({
  status: z.enum(['ok', 'stopping']),
  attached: z.boolean(),
  snapshotAgeMs: z.number().nullable(),
});

export const errorAnswer = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    issues: z
      .array(z.strictObject({ path: z.string(), expected: z.string(), got: z.string() }))
      .optional(),
  }),
});
