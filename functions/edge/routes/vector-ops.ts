import { z } from '@hono/zod-openapi';
import type { JsonObject } from '../../domain/json.ts';
import { callVectorOp } from '../../domain/vectors/call-vector-op.ts';
import { jsonAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { anyJson } from '../schema-parts.ts';

/** Passed through as they came: the operation says of a number which one is wrong. */
const numbers = anyJson.optional().openapi({ type: 'array', items: { type: 'number' } });
const vectors = anyJson.optional().openapi({ type: 'array', items: { type: 'array', items: { type: 'number' } } });

/** What the operations take between them; one that does not take a name refuses it. */
const operands = z.strictObject({
  a: anyJson.optional().openapi({ type: 'array', description: 'a vector, or for `cosine_similarity_batch` a list' }),
  b: numbers,
  q: numbers,
  v: numbers,
  vs: vectors,
  qs: vectors,
  ds: vectors,
  k: z.number().optional(),
  metric: z.string().optional(),
  on_mismatch: z.string().optional(),
});

export const vectorOpsEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/vectors/ops/{name}',
    summary: 'Arithmetic on the vectors of the request, under the names of `neuralcore`',
    access: 'vectors:read',
    params: z.object({ name: z.string().min(1).max(64) }),
    body: { class: 'other', schema: operands },
    answers: { 200: { description: 'what it comes to', schema: z.object({ result: anyJson }) } },
    handle: async ({ services, params: { name }, body }) =>
      jsonAnswer({ result: await callVectorOp(services.vectorOps, name, body as JsonObject) }),
  }),
];
