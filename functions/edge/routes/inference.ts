import { z } from '@hono/zod-openapi';
import type { GenerateRequest, InferenceModel } from '../../domain/inference/inference.ts';
import type { Tier } from '../../domain/ports/provider.ts';
import { jsonAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { generationPieces } from '../generation-pieces.ts';
import { pageOf } from '../page-of.ts';
import { tier, unsupported, wholeNumber } from '../schema-parts.ts';
import { reportStream } from '../stream-failure.ts';

/** Names of the original for our tiers. */
const aliases = { nano: 'edge', medium: 'local', large: 'pool' } as const;

const askedTier = z.enum(['auto', 'edge', 'local', 'pool', 'nano', 'medium', 'large']);

const prompt = z.string().min(1).max(200_000);
const maxTokens = z.number().int().min(1).max(1_000_000);

const generateBody = z.strictObject({
  prompt,
  system: z.string().max(20_000).optional(),
  max_tokens: maxTokens.optional(),
  temperature: z.number().min(0).max(2).optional(),
  tier: askedTier.optional(),
  stream: z.boolean().optional(),
  deadline_ms: z.number().int().min(100).max(120_000).optional(),
});

const candidate = z.object({ model: z.string(), tier, reason: z.string().optional() });

const generation = z
  .object({
    request_id: z.string(),
    text: z.string(),
    model: z.string(),
    tier,
    prompt_tokens: z.number().int(),
    completion_tokens: z.number().int(),
    duration_ms: z.number().int(),
    tokens_per_second: z.number().optional(),
    finish_reason: z.string(),
    route: z.array(candidate),
  })
  .openapi('Generation');

const model = z
  .object({
    name: z.string(),
    tier,
    provider: z.string(),
    context_length: z.number().int().optional(),
    available: z.boolean().optional(),
    probed_at: z.number().int().optional(),
  })
  .openapi('InferenceModel');

const advice = z
  .object({
    recommended_tier: tier,
    model: z.string(),
    complexity: z.number(),
    reasoning: z.array(z.string()),
    features: z.object({
      prompt_tokens: z.number().int(),
      answer_tokens: z.number().int(),
      lines: z.number().int(),
      questions: z.number().int(),
      has_code: z.boolean(),
    }),
    estimates: z.object({ ms: z.number().int().optional(), nanousd: z.number().int().optional() }),
    runner_up: z.object({ model: z.string(), tier }).optional(),
  })
  .openapi('TierAdvice');

export const inferenceEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/inference/generate',
    summary: 'Text from a prompt, whole or as a stream, over the same router, policy and receipts as chats',
    access: 'chat',
    decides: { action: 'chat', resource: 'Model' },
    idempotent: 'stored',
    body: { class: 'chat', schema: generateBody },
    answers: {
      200: {
        description: 'the text, or with `stream` events `text` and, last, `done`',
        schema: generation,
        streamed: true,
      },
    },
    handle: async ({ services, call, body }) => {
      const { stream = false, ...asked } = body;
      const request = generateRequest(asked);
      const { request_id } = call;
      if (stream) {
        const streamed = await services.inference.stream(call, request);
        return {
          kind: 'stream',
          status: 200,
          headers: { 'signet-receipt': streamed.receipt, 'signet-route': streamed.route },
          events: generationPieces(streamed.events, reportStream(services, call)),
        };
      }
      const { receipt, ...generated } = await services.inference.generate(call, request);
      return jsonAnswer({ request_id, ...generated }, { 'signet-receipt': receipt, 'signet-route': generated.model });
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/inference/models',
    summary: 'Models that generate, and whether a probe of the last five minutes found them',
    access: 'chat',
    query: z.strictObject({
      tier: askedTier.optional(),
      available: z.enum(['true', 'false']).optional(),
      limit: wholeNumber(1, 500).optional(),
      cursor: z.string().min(1).max(1024).optional(),
    }),
    answers: {
      200: { description: 'a page', schema: z.object({ models: z.array(model), cursor: z.string().optional() }) },
    },
    handle: async ({ services, call, query }) => {
      const { limit = 100, cursor } = query;
      const all = (await services.inference.models(call))
        .filter((one) => isAskedFor(one, query))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const { items, next } = pageOf(all, { name: ({ name }) => name, limit, cursor });
      return jsonAnswer({ models: items, ...(next === undefined ? {} : { cursor: next }) });
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/inference/tier',
    summary: 'Which tier `generate` would take now, and why',
    access: 'chat',
    body: {
      class: 'chat',
      schema: z.strictObject({
        prompt,
        max_tokens: maxTokens.optional(),
        latency_sensitive: z.boolean().optional(),
        budget_nanousd: unsupported('prices are not known yet'),
      }),
    },
    answers: { 200: { description: 'the advice', schema: advice } },
    handle: async ({ services, call, body }) => {
      const { prompt: text, max_tokens = max_tokens_default, latency_sensitive = false } = body;
      return jsonAnswer(await services.inference.recommend(call, { prompt: text, max_tokens, latency_sensitive }));
    },
  }),
];

const max_tokens_default = 512;

type Asked = Omit<z.output<typeof generateBody>, 'stream'>;

function generateRequest(asked: Asked): GenerateRequest {
  const chosen = tierOf(asked.tier);
  return {
    prompt: asked.prompt,
    max_tokens: asked.max_tokens ?? max_tokens_default,
    temperature: asked.temperature ?? 0.7,
    ...(asked.system === undefined ? {} : { system: asked.system }),
    ...(asked.deadline_ms === undefined ? {} : { deadline_ms: asked.deadline_ms }),
    ...(chosen === undefined ? {} : { tier: chosen }),
  };
}

/** `auto` and nothing leave it to the router. */
function tierOf(asked: z.output<typeof askedTier> | undefined): Tier | undefined {
  if (asked === undefined || asked === 'auto') return undefined;
  return asked in aliases ? aliases[asked as keyof typeof aliases] : (asked as Tier);
}

function isAskedFor(
  one: InferenceModel,
  query: { readonly tier?: z.output<typeof askedTier>; readonly available?: 'true' | 'false' },
): boolean {
  const wanted = tierOf(query.tier);
  if (wanted !== undefined && one.tier !== wanted) return false;
  return query.available === undefined || String(one.available) === query.available;
}
