import { z } from '@hono/zod-openapi';
import type { Scope } from '../../domain/scopes.ts';
import { scopes } from '../../domain/scopes.ts';
import { emptyAnswer, jsonAnswer, judgedAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { givenId, hasControl, userName } from '../schema-parts.ts';

const scope = z.enum(scopes as [Scope, ...Scope[]]);

const apiKey = z
  .object({
    id: z.string(),
    label: z.string(),
    tenant: z.string(),
    scopes: z.array(scope),
    created: z.number().int(),
    expires_at: z.number().int().optional(),
    unlimited_rate: z.boolean(),
  })
  .openapi('ApiKey');

const newApiKey = apiKey.extend({ token: z.string() }).openapi('NewApiKey');

const decides = { action: 'administer', resource: 'ApiKey' } as const;

export const apiKeyEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/api-keys',
    summary: 'API keys of this tenant, without their secrets',
    access: 'keys:admin',
    answers: { 200: { description: 'the keys', schema: z.object({ api_keys: z.array(apiKey) }) } },
    handle: async ({ services, call }) => jsonAnswer({ api_keys: await services.apiKeys.list(call) }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/api-keys',
    summary: "Makes an API key within its maker's scopes, tenant and expiry; the token is shown once",
    access: 'keys:admin',
    decides,
    idempotent: 'secret',
    body: {
      class: 'other',
      schema: z.strictObject({
        label: z
          .string()
          .min(1)
          .max(64)
          .refine((text) => !hasControl(text), 'expected no control characters'),
        scopes: z.array(scope).min(1).max(scopes.length),
        tenant: userName.optional(),
        expires_at: z.number().int().positive().optional().openapi({ description: 'Unix seconds' }),
      }),
    },
    answers: { 201: { description: 'the key and its token', schema: newApiKey } },
    handle: async ({ services, call, body }) => {
      const made = await services.apiKeys.create(call, body);
      return judgedAnswer(made, made.value, 201);
    },
  }),
  endpoint({
    method: 'DELETE',
    path: '/api/v1/api-keys/{id}',
    summary: 'Revokes an API key at once',
    access: 'keys:admin',
    decides,
    idempotent: 'stored',
    params: z.object({ id: givenId }),
    answers: { 204: { description: 'revoked' } },
    handle: async ({ services, call, params }) => {
      const revoked = await services.apiKeys.revoke(call, params.id);
      return emptyAnswer({ 'signet-receipt': revoked.receipt });
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/api-keys/{id}/rotate',
    summary: 'A new key in place of this one, which works 24 hours longer',
    access: 'keys:admin',
    decides,
    idempotent: 'secret',
    params: z.object({ id: givenId }),
    body: { class: 'other', schema: z.strictObject({}), optional: true },
    answers: { 201: { description: 'the new key and its token', schema: newApiKey } },
    handle: async ({ services, call, params }) => {
      const made = await services.apiKeys.rotate(call, params.id);
      return judgedAnswer(made, made.value, 201);
    },
  }),
];
