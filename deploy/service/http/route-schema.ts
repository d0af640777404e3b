/** What a route takes and gives, for the OpenAPI document. Bodies are checked elsewhere. */
import type { FastifySchema } from 'fastify';
import { z } from 'zod';
import { errorAnswer } from '../api/answers.ts';

export interface RouteDescription {
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly params?: z.ZodType;
  readonly querystring?: z.ZodType;
  /** Of a success. */
  readonly answer: z.ZodType;
  /** Needs no token. */
  readonly isPublic?: true;
}

/** zod's schemas as JSON Schema, draft 2020-12, as OpenAPI 3.1 has it. */
export function routeSchema(description: RouteDescription): FastifySchema {
  const { summary, body, params, querystring, answer, isPublic } = description;
  return {
    summary,
    ...(isPublic === undefined ? {} : { security: [] }),
    ...(body === undefined ? {} : { body: jsonSchema(body, 'input') }),
    ...(params === undefined ? {} : { params: jsonSchema(params, 'input') }),
    ...(querystring === undefined ? {} : { querystring: jsonSchema(querystring, 'input') }),
    response: {
      200: { description: 'Success', ...jsonSchema(answer, 'output') },
      default: { description: 'Failure', ...jsonSchema(errorAnswer, 'output') },
    },
  } as FastifySchema;
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
