import { z } from '@hono/zod-openapi';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { SignetError } from '../../domain/errors.ts';
import type { VectorInput } from '../../domain/vectors/vectors.ts';
import { emptyAnswer, jsonAnswer, judgedAnswer } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { endpoint } from '../endpoint.ts';
import {
  decodeVector,
  hasControl,
  jsonObject,
  unsupported,
  userName,
  vectorBase64,
  vectorValues,
  wholeNumber,
} from '../schema-parts.ts';

const collection = z
  .object({
    name: z.string(),
    metric: z.string(),
    dimension: z.number().int(),
    model: z.string().optional(),
    model_digest: z.string().optional(),
    precision: z.string().optional(),
    stored_rows: z.string(),
    text: z.boolean(),
    recall_sample: z.number(),
    rows: z.number().int(),
    seq: z.number().int(),
    created: z.number().int(),
  })
  .openapi('Collection');

const params = z.object({ collection: userName });
const namespace = userName.default('default');
const bytes = (max: number) => (text: string) => Buffer.byteLength(text) <= max;
const text = z.string().min(1).max(limits.chat_text_bytes_max);
const id = z
  .string()
  .min(1)
  .refine(bytes(limits.vectors.id_bytes_max), `expected at most ${limits.vectors.id_bytes_max} bytes`)
  .refine((value) => !hasControl(value), 'expected no control characters');
const include = z.array(z.enum(['metadata', 'values', 'content'])).max(3);
const metadata = jsonObject.refine(
  (value) => bytes(limits.vectors.metadata_bytes_max)(JSON.stringify(value)),
  `expected at most ${limits.vectors.metadata_bytes_max} bytes of JSON`,
);
const content = z
  .string()
  .refine(bytes(limits.vectors.content_bytes_max), `expected at most ${limits.vectors.content_bytes_max} bytes`);

const vector = z.strictObject({
  id: id.optional(),
  values: vectorValues.optional(),
  values_b64: vectorBase64.optional(),
  text: text.optional(),
  metadata: metadata.optional(),
  content: content.optional(),
});

const reads = { action: 'queryVectors', resource: 'Collection' } as const;
const writes = { action: 'writeVectors', resource: 'Collection' } as const;
const root = '/api/v1/vectors/collections';

export const vectorEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: root,
    summary: 'Makes a collection, for vectors of a dimension or for texts of a model',
    access: 'vectors:write',
    decides: writes,
    idempotent: 'stored',
    body: {
      class: 'other',
      schema: z.strictObject({
        name: userName,
        dimension: z.number().int().min(1).max(limits.vectors.dimension_max).optional(),
        model: z.string().min(1).max(256).optional(),
        metric: z.enum(['cosine', 'dot_product', 'euclidean', 'squared_euclidean']).default('cosine'),
        rows: z.enum(['f16', 'f32', 'none']).default('f16'),
        text: z.boolean().default(false),
        recall_sample: z.number().min(0).max(1).default(0.01),
      }),
    },
    answers: { 201: { description: 'the collection', schema: collection } },
    handle: async ({ services, call, body: { dimension, model, rows, ...settings } }) => {
      if (dimension === undefined && model === undefined) {
        throw new SignetError({
          code: 'invalid_request',
          detail: 'expected `dimension` or `model`',
          param: 'dimension',
        });
      }
      const created = await services.vectors.create(call, {
        ...settings,
        stored_rows: rows,
        ...(dimension === undefined ? {} : { dimension }),
        ...(model === undefined ? {} : { model }),
      });
      return judgedAnswer(created, created.value, 201);
    },
  }),
  endpoint({
    method: 'GET',
    path: root,
    summary: 'Collections of this tenant, by name',
    access: 'vectors:read',
    query: z.object({
      prefix: z
        .string()
        .regex(/^[a-z0-9._-]{0,64}$/, 'expected the beginning of a name')
        .optional(),
      cursor: z.string().min(1).max(1024).optional(),
      limit: wholeNumber(1, limits.vectors.collections_max).optional(),
    }),
    answers: {
      200: {
        description: 'a page of them',
        schema: z.object({ collections: z.array(collection), cursor: z.string().optional() }),
      },
    },
    handle: async ({ services, call, query }) =>
      jsonAnswer(await services.vectors.list(call, { ...query, limit: query?.limit ?? 100 })),
  }),
  endpoint({
    method: 'GET',
    path: `${root}/{collection}`,
    summary: 'One collection',
    access: 'vectors:read',
    params,
    answers: { 200: { description: 'the collection', schema: collection } },
    handle: async ({ services, call, params: { collection: name } }) =>
      jsonAnswer(await services.vectors.describe(call, name)),
  }),
  endpoint({
    method: 'DELETE',
    path: `${root}/{collection}`,
    summary: 'Drops a collection and all that is in it',
    access: 'vectors:write',
    decides: writes,
    idempotent: 'stored',
    params,
    answers: { 204: { description: 'dropped' } },
    handle: async ({ services, call, params: { collection: name } }) => {
      const dropped = await services.vectors.drop(call, name);
      return emptyAnswer({ 'signet-receipt': dropped.receipt });
    },
  }),
  endpoint({
    method: 'POST',
    path: `${root}/{collection}/put`,
    summary: 'Stores vectors or texts; an id that is there is replaced',
    access: 'vectors:write',
    decides: writes,
    idempotent: 'stored',
    params,
    body: {
      class: 'vectors_put',
      schema: z.strictObject({
        vectors: z.array(vector).min(1).max(limits.vectors.put_rows_max),
        namespace,
      }),
    },
    answers: { 200: { description: 'what was stored', schema: jsonObject } },
    handle: async ({ services, call, params: { collection: name }, body }) => {
      const put = await services.vectors.put(call, {
        collection: name,
        namespace: body.namespace,
        vectors: body.vectors.map((one, index): VectorInput => {
          exactlyOne(one, ['values', 'values_b64', 'text'], `vectors[${index}]`);
          const { values_b64, ...rest } = one;
          return { ...rest, ...valuesOf(values_b64) };
        }),
      });
      return judgedAnswer(put, put.value);
    },
  }),
  endpoint({
    method: 'POST',
    path: `${root}/{collection}/query`,
    summary: 'The nearest rows: by vectors, by words, or by both',
    access: 'vectors:read',
    decides: reads,
    params,
    body: {
      class: 'other',
      schema: z.strictObject({
        values: vectorValues.optional(),
        values_b64: vectorBase64.optional(),
        text: text.optional(),
        id: id.optional(),
        k: z.number().int().min(1).max(limits.vectors.k_max).default(10),
        filter: jsonObject.optional(),
        include: include.default([]),
        min_score: z.number().optional(),
        min_dense_score: z.number().optional(),
        min_lexical_score: z.number().optional(),
        namespace,
        mode: z.enum(['dense', 'lexical', 'hybrid']).default('dense'),
        exact: z.boolean().optional(),
        weights: z
          .strictObject({ dense: z.number().min(0).max(1000), lexical: z.number().min(0).max(1000) })
          .optional(),
        report: z.boolean().default(false),
        min_distance: unsupported('use `min_score`'),
        consistency: unsupported('every query sees every acknowledged write', 'strong'),
        allow_partial: unsupported('an answer is never partial', false),
      }),
    },
    answers: { 200: { description: 'the hits, best first', schema: jsonObject } },
    handle: async ({ services, call, params: { collection: name }, body }) => {
      if (body.values !== undefined && body.values_b64 !== undefined) {
        exactlyOne(body, ['values', 'values_b64'], 'values');
      }
      const { values_b64, ...rest } = body;
      const answered = await services.vectors.query(call, {
        ...rest,
        collection: name,
        ...valuesOf(values_b64),
      });
      return judgedAnswer(answered, { ...answered.value, path: 'warm', partial: false });
    },
  }),
  endpoint({
    method: 'POST',
    path: `${root}/{collection}/get`,
    summary: 'Rows by id',
    access: 'vectors:read',
    params,
    body: {
      class: 'other',
      schema: z.strictObject({
        ids: z.array(id).min(1).max(limits.vectors.get_ids_max),
        include: include.default(['metadata', 'content']),
        namespace,
      }),
    },
    answers: { 200: { description: 'what is there, and which ids are not', schema: jsonObject } },
    handle: async ({ services, call, params: { collection: name }, body }) =>
      jsonAnswer(await services.vectors.get(call, { collection: name, ...body })),
  }),
  endpoint({
    method: 'POST',
    path: `${root}/{collection}/delete`,
    summary: 'Deletes rows by id or by filter',
    access: 'vectors:write',
    decides: writes,
    idempotent: 'stored',
    params,
    body: {
      class: 'other',
      schema: z.strictObject({
        ids: z.array(id).min(1).max(limits.vectors.delete_ids_max).optional(),
        filter: jsonObject.optional(),
        namespace,
      }),
    },
    answers: { 200: { description: 'how many went', schema: jsonObject } },
    handle: async ({ services, call, params: { collection: name }, body }) => {
      exactlyOne(body, ['ids', 'filter'], '');
      const deleted = await services.vectors.delete(call, { collection: name, ...body });
      return judgedAnswer(deleted, deleted.value);
    },
  }),
  endpoint({
    method: 'POST',
    path: `${root}/{collection}/patch`,
    summary: 'Merges into the metadata of rows (RFC 7396)',
    access: 'vectors:write',
    decides: writes,
    idempotent: 'stored',
    params,
    body: {
      class: 'vectors_put',
      schema: z.strictObject({
        patches: z.array(z.strictObject({ id, metadata })).min(1).max(limits.vectors.put_rows_max),
        namespace,
      }),
    },
    answers: { 200: { description: 'which rows changed, and which ids are not there', schema: jsonObject } },
    handle: async ({ services, call, params: { collection: name }, body }) => {
      const patched = await services.vectors.patch(call, { collection: name, ...body });
      return judgedAnswer(patched, patched.value);
    },
  }),
  endpoint({
    method: 'POST',
    path: `${root}/{collection}/count`,
    summary: 'How many rows there are, all or those of a filter',
    access: 'vectors:read',
    params,
    body: { class: 'other', schema: z.strictObject({ filter: jsonObject.optional(), namespace }) },
    answers: {
      200: { description: 'the count', schema: z.object({ count: z.number().int(), seq: z.number().int() }) },
    },
    handle: async ({ services, call, params: { collection: name }, body }) =>
      jsonAnswer(await services.vectors.count(call, { collection: name, ...body })),
  }),
  endpoint({
    method: 'GET',
    path: `${root}/{collection}/vectors`,
    summary: 'Ids in byte order',
    access: 'vectors:read',
    params,
    query: z.object({
      namespace: userName.optional(),
      prefix: z.string().max(limits.vectors.id_bytes_max).optional(),
      cursor: z.string().min(1).max(1024).optional(),
      limit: wholeNumber(1, 1000).optional(),
    }),
    answers: {
      200: {
        description: 'a page of them',
        schema: z.object({ ids: z.array(z.string()), cursor: z.string().optional() }),
      },
    },
    handle: async ({ services, call, params: { collection: name }, query }) =>
      jsonAnswer(
        await services.vectors.ids(call, {
          collection: name,
          ...query,
          namespace: query?.namespace ?? 'default',
          limit: query?.limit ?? 100,
        }),
      ),
  }),
  endpoint({
    method: 'GET',
    path: `${root}/{collection}/stats`,
    summary: 'What a collection is made of, by namespace',
    access: 'vectors:read',
    params,
    answers: { 200: { description: 'rows, segments, what waits, measured recall', schema: jsonObject } },
    handle: async ({ services, call, params: { collection: name } }) =>
      jsonAnswer(await services.vectors.stats(call, name)),
  }),
  endpoint({
    method: 'POST',
    path: `${root}/{collection}/compact`,
    summary: 'Makes a segment of the rows that wait, now',
    access: 'vectors:write',
    decides: writes,
    params,
    body: { class: 'other', schema: z.strictObject({ namespace }) },
    answers: {
      202: {
        description: '`acquired`, `held` where it is under way already, `nothing` where no row waits',
        schema: jsonObject,
      },
    },
    handle: async ({ services, call, params: { collection: name }, body }) => {
      const begun = await services.vectors.compact(call, { collection: name, ...body });
      return judgedAnswer(begun, begun.value, 202);
    },
  }),
  endpoint({
    method: 'DELETE',
    path: `${root}/{collection}/namespaces/{name}`,
    summary: 'Drops a namespace and all that is in it',
    access: 'vectors:write',
    decides: writes,
    idempotent: 'stored',
    params: z.object({ collection: userName, name: userName }),
    answers: { 204: { description: 'dropped' } },
    handle: async ({ services, call, params: { collection: name, name: namespace } }) => {
      const dropped = await services.vectors.dropNamespace(call, { collection: name, namespace });
      return emptyAnswer({ 'signet-receipt': dropped.receipt });
    },
  }),
];

function exactlyOne(given: object, names: readonly string[], at: string): void {
  if (names.filter((one) => one in given).length === 1) return;
  throw new SignetError({
    code: 'invalid_request',
    detail: `expected exactly one of ${names.map((one) => `\`${one}\``).join(', ')}`,
    param: at === '' ? (names[0] ?? '') : at,
  });
}

function valuesOf(values_b64: string | undefined): { values?: Float32Array } {
  const values = values_b64 === undefined ? undefined : decodeVector(values_b64);
  return values === undefined ? {} : { values };
}
