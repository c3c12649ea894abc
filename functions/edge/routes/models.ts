import { z } from '@hono/zod-openapi';
import type { Call } from '../../domain/call.ts';
import type { OfferedModel } from '../../domain/chat/chat.ts';
import type { EmbeddingModel } from '../../domain/embeddings/embeddings.ts';
import { SignetError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import { bareId } from '../../domain/routing/route.ts';
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
    summary: 'Models that are here; `signet.permitted` says which of them this key may use',
    access: 'models:read',
    answers: {
      200: { description: 'the list', schema: z.object({ object: z.literal('list'), data: z.array(model) }) },
    },
    handle: async ({ services, call }) =>
      jsonAnswer({ object: 'list', data: (await listModels(services, call)).map(({ model: shown }) => shown) }),
  }),
  endpoint({
    method: 'GET',
    path: '/v1/models/{id+}',
    summary: 'One model, by any name that a request may give it',
    access: 'models:read',
    params: z.object({ id: z.string().min(1).max(256) }),
    answers: { 200: { description: 'the model', schema: model } },
    handle: async ({ services, call, params }) => {
      const named = await listModels(services, call);
      const exact = named.filter(({ model: { id } }) => id === params.id);
      const found = exact.length > 0 ? exact : named.filter(({ names }) => names.includes(params.id));
      const [one, other] = found;
      if (one !== undefined && other === undefined) return jsonAnswer(one.model);
      throw new SignetError({
        code: 'model_not_found',
        detail:
          other === undefined
            ? 'no such model here; GET /v1/models lists them'
            : `several models have this name: ${found.map(({ model: { id } }) => `\`${id}\``).join(', ')}`,
        param: 'model',
      });
    },
  }),
];

interface NamedModel {
  readonly model: JsonObject & { readonly id: string };
  /** What it is called besides its id. */
  readonly names: readonly string[];
}

async function listModels(services: Services, call: Call): Promise<readonly NamedModel[]> {
  const [chat, embedding] = await Promise.all([services.chat.models(call), services.embeddings.models(call)]);
  return [
    ...chat.map((one) => ({ model: chatModel(one), names: [bareId(one)] })),
    ...embedding.map((one) => ({ model: embeddingModel(one), names: one.aliases })),
  ];
}

/** `created` is what the protocol wants to be there; nobody knows when a model was made, so it is 0. */
function chatModel({
  id,
  owned_by,
  provider,
  tier,
  capabilities,
  context_tokens,
  rules,
  permitted,
}: OfferedModel): NamedModel['model'] {
  return {
    id,
    object: 'model',
    created: 0,
    owned_by,
    signet: {
      provider,
      tier,
      capabilities,
      permitted,
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
  permitted,
}: EmbeddingModel): NamedModel['model'] {
  return {
    id,
    object: 'model',
    created: 0,
    owned_by: 'signet',
    signet: {
      tier: 'edge',
      capabilities: ['embeddings'],
      permitted,
      context: max_tokens,
      dimension,
      installed,
      default: isDefault,
      license,
    },
  };
}
