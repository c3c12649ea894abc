import { z } from '@hono/zod-openapi';
import type { Call } from '../../domain/call.ts';
import type { EmbeddingModel } from '../../domain/embeddings/embeddings.ts';
import { SignetError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ModelInfo } from '../../domain/ports/provider.ts';
import { jsonAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { jsonObject } from '../schema-parts.ts';
import type { Services } from '../services.ts';

const model = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.number().int(),
    owned_by: z.string(),
    signet: jsonObject,
  })
  .openapi('Model');

export const modelEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/v1/models',
    summary: 'Models that this key may use',
    access: 'models:read',
    answers: {
      200: { description: 'the list', schema: z.object({ object: z.literal('list'), data: z.array(model) }) },
    },
    handle: async ({ services, call }) => jsonAnswer({ object: 'list', data: await listModels(services, call) }),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/models/{id+}',
    summary: 'One model',
    access: 'models:read',
    params: z.object({ id: z.string().min(1).max(256) }),
    answers: { 200: { description: 'the model', schema: model } },
    handle: async ({ services, call, params }) => {
      const found = (await listModels(services, call)).find((one) => one['id'] === params.id);
      if (found === undefined) {
        throw new SignetError({
          code: 'model_not_found',
          detail: 'no such model here; GET /v1/models lists them',
          param: 'model',
        });
      }
      return jsonAnswer(found);
    },
  }),
];

async function listModels(services: Services, call: Call): Promise<readonly JsonObject[]> {
  const [chat, embedding] = await Promise.all([services.chat.models(call), services.embeddings.models()]);
  return [...chat.map(chatModel), ...embedding.map(embeddingModel)];
}

/** `created` is what the protocol wants to be there; nobody knows when a model was made, so it is 0. */
function chatModel({ id, owned_by, provider, tier, capabilities, context_tokens, rules }: ModelInfo): JsonObject {
  return {
    id,
    object: 'model',
    created: 0,
    owned_by,
    signet: {
      provider,
      tier,
      capabilities,
      ...(context_tokens === undefined ? {} : { context: context_tokens }),
      ...(rules === undefined ? {} : { rules }),
    },
  };
}

function embeddingModel({
  id,
  dimension,
  max_tokens,
  installed,
  default: isDefault,
  license,
}: EmbeddingModel): JsonObject {
  return {
    id,
    object: 'model',
    created: 0,
    owned_by: 'signet',
    signet: {
      tier: 'edge',
      capabilities: ['embeddings'],
      context: max_tokens,
      dimension,
      installed,
      default: isDefault,
      license,
    },
  };
}
