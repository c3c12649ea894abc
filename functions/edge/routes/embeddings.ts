import { z } from '@hono/zod-openapi';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Embedded } from '../../domain/embeddings/embeddings.ts';
import { encodeFloats } from '../../domain/float-base64.ts';
import { SignetError } from '../../domain/errors.ts';
import { jsonAnswer, judgedAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import { jsonObject } from '../schema-parts.ts';

const text = z.string().min(1, 'expected a text that is not empty');
const texts = z.array(text).min(1, 'expected at least one text').max(limits.embeddings.inputs_max);
const inputType = z.enum(['query', 'document', 'clustering', 'classification']);
const dimensions = z.number().int().min(1).max(limits.vectors.dimension_max);
const decides = { action: 'embed', resource: 'Model' } as const;

export const embeddingEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/v1/embeddings',
    summary: 'Embeds texts; the OpenAI protocol',
    access: 'embed',
    decides,
    body: {
      class: 'embeddings',
      schema: z.strictObject({
        model: z.string().min(1).max(256),
        input: z
          .custom<unknown>((given) => given !== undefined, 'expected a text or a list of texts')
          .openapi({
            type: ['string', 'array'],
            oneOf: [
              { type: 'string', minLength: 1 },
              {
                type: 'array',
                items: { type: 'string', minLength: 1 },
                minItems: 1,
                maxItems: limits.embeddings.inputs_max,
              },
            ],
          }),
        encoding_format: z.enum(['float', 'base64']).default('float'),
        dimensions: dimensions.optional(),
        user: z.string().max(256).optional(),
        input_type: inputType.default('document').openapi({ description: 'our extension' }),
      }),
    },
    answers: { 200: { description: 'the vectors, in the order of the texts', schema: jsonObject } },
    handle: async ({ services, call, body }) => {
      const input = readInput(body.input);
      const judged = await services.embeddings.embed(call, {
        model: body.model,
        texts: input,
        input_type: body.input_type,
        truncate: 'error',
        ...(body.dimensions === undefined ? {} : { dimensions: body.dimensions }),
      });
      const { vectors, tokens, model } = judged.value;
      const encode = body.encoding_format === 'base64' ? encodeFloats : asFloats;
      const used = tokens.reduce((sum, count) => sum + count, 0);
      return judgedAnswer(judged, {
        object: 'list',
        data: vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encode(vector) })),
        model,
        usage: { prompt_tokens: used, total_tokens: used },
      });
    },
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/embeddings',
    summary: 'Embeds texts, with all that is known of the result',
    access: 'embed',
    decides,
    body: {
      class: 'embeddings',
      schema: z.strictObject({
        model: z.string().min(1).max(256).optional(),
        inputs: texts,
        input_type: inputType.default('document'),
        truncate: z.enum(['end', 'error']).default('end'),
        precision: z.enum(['fp32', 'int8']).optional(),
        dimensions: dimensions.optional(),
        encoding: z.enum(['float', 'base64', 'int8']).default('float'),
      }),
    },
    answers: { 200: { description: 'the vectors, in the order of the texts', schema: jsonObject } },
    handle: async ({ services, call, body }) => {
      const judged = await services.embeddings.embed(call, {
        ...(body.model === undefined ? {} : { model: body.model }),
        texts: body.inputs,
        input_type: body.input_type,
        truncate: body.truncate,
        ...(body.precision === undefined ? {} : { precision: body.precision }),
        ...(body.dimensions === undefined ? {} : { dimensions: body.dimensions }),
      });
      const { vectors, ...rest } = judged.value;
      return judgedAnswer(judged, { ...rest, ...encodeAll(vectors, body.encoding) });
    },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/embeddings/models',
    summary: 'Embedding models, installed or not',
    access: 'models:read',
    answers: { 200: { description: 'the registry', schema: z.object({ models: z.array(jsonObject) }) } },
    handle: async ({ services, call }) => jsonAnswer({ models: await services.embeddings.models(call) }),
  }),
];

/**
 * One text or a list of them. Checked by hand and not by a union of schemas, because token ids deserve their own answer:
 * ids of another tokeniser would embed silently wrong.
 */
function readInput(input: unknown): readonly string[] {
  if (Array.isArray(input) && input.some((one) => typeof one === 'number' || Array.isArray(one))) {
    throw new SignetError({
      code: 'unsupported_parameter',
      detail: 'expected text; token ids of another tokeniser would embed silently wrong',
      param: 'input',
    });
  }
  const result = texts.safeParse(typeof input === 'string' ? [input] : input);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const index = issue?.path[0];
  throw new SignetError({
    code: 'invalid_request',
    detail: issue === undefined ? 'expected a text or a list of texts' : issue.message.toLowerCase(),
    param: typeof index === 'number' && Array.isArray(input) ? `input[${index}]` : 'input',
  });
}

function encodeAll(vectors: Embedded['vectors'], encoding: 'float' | 'base64' | 'int8'): object {
  if (encoding === 'float') return { encoding, embeddings: vectors.map(asFloats) };
  if (encoding === 'base64') return { encoding, embeddings: vectors.map(encodeFloats) };
  const quantised = vectors.map(quantise);
  return { encoding, embeddings: quantised.map((one) => one.values), scales: quantised.map((one) => one.scale) };
}

function asFloats(vector: Float32Array): readonly number[] {
  return Array.from(vector);
}

/** value ≈ component × scale; a zero vector stays zero. */
function quantise(vector: Float32Array): { readonly values: readonly number[]; readonly scale: number } {
  const largest = vector.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  if (largest === 0) return { values: Array.from(vector), scale: 0 };
  return { values: Array.from(vector, (value) => Math.round((127 * value) / largest)), scale: largest / 127 };
}
