/**
 * The guest agent's protocol: a line asks, a line answers, in order. Answers are `ok …`, `error …` or one
 * JSON object.
 */
import { z } from 'zod';
import type { Protocol } from '../pipelined-connection.ts';

/** Longer than any answer; a line without end is none. */
const lineCharactersMax = 1024 * 1024;

/** The agent as a `PipelinedConnection` speaks to it. */
export const agentProtocol: Protocol<string, string> = {
  encode: (line) => Buffer.from(`${line}\n`),
  parser: () => {
    let rest = '';
    return {
      push(chunk) {
        // Answers are ASCII.
        const lines = (rest + chunk.toString('latin1')).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > lineCharactersMax) throw new RangeError('a line without end');
        return lines;
      },
    };
  },
};

const count = z.int().min(0);

/** The answer to `report`: what happened since the one before it. */
export const agentReport = z.looseObject({
  /** By the guest's clock, which stands still while the VM is paused. */
  intervalS: z.number().min(0),
  issued: count,
  done: count,
  dropped: count,
  /** Units of work done, by jobs and else. */
  work: count,
  queue: count,
  ncpu: z.int().min(1),
  ratePerS: z.number().min(0),
  latency: z.object({
    sumUs: z.number().min(0),
    minUs: count,
    maxUs: count,
    buckets: z.array(z.tuple([count, z.int().min(1)])),
  }),
});

export type AgentReport = z.output<typeof agentReport>;

/** The answer to `calibrate`. */
export const agentSpeed = z.looseObject({ unitsPerS: z.number().positive() });
