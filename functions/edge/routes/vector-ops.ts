import { z } from '@hono/zod-openapi';
import { callVectorOp } from '../../domain/vectors/call-vector-op.ts';
import { jsonAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { anyJson, jsonObject } from '../schema-parts.ts';

export const vectorOpsEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/vectors/ops/{name}',
    summary: 'Arithmetic on the vectors of the request, under the names of `neuralcore`',
    access: 'vectors:read',
    params: z.object({ name: z.string().min(1).max(64) }),
    body: { class: 'other', schema: jsonObject },
    answers: { 200: { description: 'what it comes to', schema: z.object({ result: anyJson }) } },
    handle: async ({ services, params: { name }, body }) =>
      jsonAnswer({ result: await callVectorOp(services.vectorOps, name, body) }),
  }),
];
