import { z } from '@hono/zod-openapi';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { jsonAnswer, judgedAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { digestHex, userName } from '../schema-parts.ts';

const stored = z.object({ name: z.string(), digest: z.string(), created: z.number().int() }).openapi('Script');
const params = z.object({ name: userName });

export const scriptEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/scripts',
    summary: 'Stored scripts, newest version of each',
    access: 'runs:read',
    answers: { 200: { description: 'the scripts', schema: z.object({ scripts: z.array(stored) }) } },
    handle: async ({ services, call }) => jsonAnswer({ scripts: await services.scripts.list(call) }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/scripts/{name}',
    summary: 'A stored script with its source',
    access: 'runs:read',
    params,
    query: z.object({ digest: digestHex.optional() }),
    answers: { 200: { description: 'the script', schema: stored.extend({ source: z.string() }) } },
    handle: async ({ services, call, params: { name }, query }) =>
      jsonAnswer(await services.scripts.get(call, { name, ...query })),
  }),
  endpoint({
    method: 'PUT',
    path: '/api/v1/scripts/{name}',
    summary: 'Stores a version of a script; its SHA-256 names it',
    access: 'runs:write',
    decides: { action: 'manageScripts', resource: 'Script' },
    idempotent: 'stored',
    params,
    body: {
      class: 'runs',
      schema: z.strictObject({
        source: z.string().min(1).refine(fits, `expected at most ${limits.runs.script_bytes_max} bytes`),
      }),
    },
    answers: { 200: { description: 'the version that was stored', schema: stored } },
    handle: async ({ services, call, params: { name }, body }) => {
      const put = await services.scripts.put(call, { name, source: body.source });
      const { digest, created } = put.value;
      return judgedAnswer(put, { name: put.value.name, digest, created });
    },
  }),
];

function fits(source: string): boolean {
  return Buffer.byteLength(source) <= limits.runs.script_bytes_max;
}
