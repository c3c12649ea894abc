import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Call, NewId, Now, RandomBytes } from '../call.ts';
import type { Judge, Judgement } from '../decisions/judge.ts';
import type { Embedded, Embeddings } from '../embeddings/embeddings.ts';
import { SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { DigestCompute, Precision, ScoreCompute } from '../ports/compute.ts';
import type { Table } from '../ports/table.ts';
import { checkCount, checkInput, checkName, invalid } from './check-request.ts';
import { checkValues } from './check-values.ts';
import { makeCollections, publicCollection, type StoredCollection } from './collections.ts';
import { compileFilter, type Predicate } from './filter.ts';
import { makeNamespaces, type Namespace } from './open-namespace.ts';
import { scoreKind, searchRows } from './search-rows.ts';
import type { Hit, QueryRequest, VectorInput, VectorRow, Vectors } from './vectors.ts';
import { makeRowWriter, type RowWrite } from './write-rows.ts';

const cache_bytes = 512 * 1024 * 1024;
const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

export interface VectorsFacts {
  readonly table: Table;
  readonly score: ScoreCompute;
  readonly embeddings: Pick<Embeddings, 'vectorsOf'>;
  readonly digest: DigestCompute;
  readonly judge: Judge;
  readonly now: Now;
  readonly newId: NewId;
  readonly random: RandomBytes;
  /** What the rows in memory may take together; default 512 MiB. */
  readonly cache_bytes_max?: number;
  /** Between two tries of a write; the platform's timer when absent. */
  readonly pause?: (milliseconds: number) => Promise<void>;
}

/**
 * Collections of vectors with exact search over table rows. A query sees every write that was answered before it; of two
 * writes of one id the newest counts; equal scores are answered in the order of writing.
 */
export function makeVectors({
  table,
  score,
  embeddings,
  digest,
  judge,
  now,
  newId,
  random,
  cache_bytes_max = cache_bytes,
  pause = sleep,
}: VectorsFacts): Vectors {
  const collections = makeCollections({ table, now, newId });
  const namespaces = makeNamespaces({ table, now, bytes_max: cache_bytes_max });
  const writer = makeRowWriter({ table, namespaces, now, random, pause });

  const readable = (call: Call, collection: string): void => {
    const resource = { type: 'Collection', id: collection };
    if (judge.permits(call, { action: 'read', resource, facts: {} })) return;
    throw new SignetError({
      code: 'policy_denied',
      reason: 'gate.policy',
      detail: 'this key may not read collections',
    });
  };

  /** Embeds by the collection's own model; another digest under the same name would make scores meaningless. */
  async function embed(
    call: Call,
    collection: StoredCollection,
    request: { texts: readonly string[]; input_type: 'query' | 'document'; param: string },
  ): Promise<Embedded> {
    if (collection.model === undefined) {
      throw invalid('no_model', request.param, 'this collection takes values: it was created without a model');
    }
    const { texts, input_type } = request;
    // A collection older than int8 was made when there was fp32 alone.
    const { model, precision = 'fp32' } = collection;
    const embedded = await embeddings.vectorsOf({ model, precision, texts, input_type, truncate: 'end' }, call.signal);
    if (embedded.model_digest !== collection.model_digest || embedded.dimension !== collection.dimension) {
      throw new SignetError({
        code: 'model_mismatch',
        detail: `\`${collection.name}\` was embedded with \`${collection.model}\` of other weights than are installed now`,
      });
    }
    return embedded;
  }

  async function toWrites(
    call: Call,
    collection: StoredCollection,
    vectors: readonly VectorInput[],
  ): Promise<{ writes: readonly (RowWrite & { kind: 'put' })[]; truncated: readonly number[] }> {
    vectors.forEach(checkInput);
    const given = vectors.map((vector, index) =>
      vector.values === undefined ? undefined : checkValues(vector.values, collection, `vectors[${index}].values`),
    );
    const textual = vectors.flatMap(({ text }, index) => (text === undefined ? [] : [{ text, index }]));
    const truncated: number[] = [];
    if (textual.length > 0) {
      const texts = textual.map(({ text }) => text);
      const first = `vectors[${textual[0]?.index ?? 0}].text`;
      const embedded = await embed(call, collection, { texts, input_type: 'document', param: first });
      textual.forEach(({ index }, nth) => {
        given[index] = checkValues(embedded.vectors[nth] ?? [], collection, `vectors[${index}].text`);
      });
      truncated.push(...embedded.truncated.flatMap((nth) => textual[nth]?.index ?? []));
    }
    const writes = vectors.map((vector, index) => {
      const values = given[index];
      if (values === undefined) throw new Error(`vector ${index} has no values`);
      return {
        kind: 'put' as const,
        id: vector.id ?? newId(),
        values,
        ...(vector.metadata === undefined ? {} : { metadata: vector.metadata }),
        ...(vector.content === undefined ? {} : { content: vector.content }),
      };
    });
    return { writes, truncated };
  }

  async function queryValues(
    call: Call,
    collection: StoredCollection,
    namespace: Namespace,
    request: QueryRequest,
  ): Promise<Float32Array> {
    const { values, text, id } = request;
    if ([values, text, id].filter((given) => given !== undefined).length !== 1) {
      throw invalid('query', 'values', 'expected exactly one of `values`, `text` and `id`');
    }
    if (values !== undefined) return checkValues(values, collection, 'values');
    if (text !== undefined) {
      const embedded = await embed(call, collection, { texts: [text], input_type: 'query', param: 'text' });
      return checkValues(embedded.vectors[0] ?? [], collection, 'text');
    }
    const row = id === undefined ? undefined : namespace.matrix.row(id);
    if (row === undefined) {
      throw new SignetError({ code: 'vector_not_found', param: 'id', detail: 'no vector with this `id`' });
    }
    return row.values;
  }

  return {
    async create(call, request) {
      const judgement = judgementOf('writeVectors', request.name, 'create', { request: { ...request } });
      return judge.decide(call, judgement, async () => {
        checkName(request.name, 'name');
        const shape = await shapeOf(request);
        const stored = await collections.create(call.principal.tenant, {
          name: request.name,
          metric: request.metric,
          ...shape,
        });
        const value = publicCollection(stored, { rows: 0, seq: 0 });
        return { value, outcome: { response: { ...value } } };
      });

      async function shapeOf({ dimension, model }: { dimension?: number; model?: string }): Promise<{
        dimension: number;
        model?: string;
        model_digest?: string;
        precision?: Precision;
      }> {
        const { dimension_max } = limits.vectors;
        if (dimension !== undefined && !(Number.isInteger(dimension) && dimension >= 1 && dimension <= dimension_max)) {
          throw invalid('dimension', 'dimension', `expected 1 to ${dimension_max}, got ${dimension}`);
        }
        if (model === undefined) {
          if (dimension !== undefined) return { dimension };
          throw invalid('dimension', 'dimension', 'expected `dimension` or `model`');
        }
        // One short text tells the model's own name, its weights and its dimension, whatever alias was asked for.
        const probe = await embeddings.vectorsOf(
          { model, texts: ['signet'], input_type: 'document', truncate: 'end' },
          call.signal,
        );
        if (dimension !== undefined && dimension !== probe.dimension) {
          throw invalid('dimension_mismatch', 'dimension', `expected ${probe.dimension} for \`${probe.model}\``);
        }
        const { model: id, model_digest, precision } = probe;
        return { dimension: probe.dimension, model: id, model_digest, precision };
      }
    },

    async list(call, { prefix, cursor, limit }) {
      readable(call, '*');
      const page = await collections.list(call.principal.tenant, { prefix, cursor, limit });
      const found = await Promise.all(
        page.collections.map(async (stored) =>
          publicCollection(stored, await collections.extent(call.principal.tenant, stored)),
        ),
      );
      return { collections: found, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },

    async describe(call, collection) {
      readable(call, collection);
      const stored = await collections.get(call.principal.tenant, collection);
      return publicCollection(stored, await collections.extent(call.principal.tenant, stored));
    },

    async drop(call, collection) {
      const judgement = judgementOf('writeVectors', collection, 'drop', { request: { collection } });
      return judge.decide(call, judgement, async () => {
        const stored = await collections.get(call.principal.tenant, collection);
        const dropped = await collections.drop(call.principal.tenant, stored);
        for (const pk of dropped) namespaces.forget(pk);
        return { value: null, outcome: {} };
      });
    },

    async put(call, request) {
      const { collection, namespace, vectors } = request;
      const judgement = judgementOf('writeVectors', collection, 'put', {
        rows: vectors.length,
        request: {
          collection,
          namespace,
          vectors: vectors.map(withoutValues),
          values_blake3: await valuesDigest(digest, vectors),
        },
      });
      return judge.decide(call, judgement, async () => {
        checkName(namespace, 'namespace');
        checkCount(vectors.length, limits.vectors.put_rows_max, 'vectors');
        const stored = await collections.get(call.principal.tenant, collection);
        const { writes, truncated } = await toWrites(call, stored, vectors);
        const space = namespaces.open(call.principal.tenant, stored, namespace);
        const { seq, put } = await writer.write(space, writes);
        const value = { seq, upserted: put, ids: writes.map(({ id }) => id), truncated };
        return { value, outcome: { response: { ...value }, detail: { seq, upserted: put } } };
      });
    },

    async query(call, request) {
      const { collection, namespace, values: _values, ...told } = request;
      const judgement = judgementOf('queryVectors', collection, 'query', {
        request: {
          collection,
          namespace,
          ...(told as JsonObject),
          ...(request.values === undefined ? {} : { values_blake3: await valuesDigest(digest, [request]) }),
        },
      });
      return judge.decide(call, judgement, async () => {
        checkName(namespace, 'namespace');
        const k_max = limits.vectors.k_max;
        if (!(Number.isInteger(request.k) && request.k >= 1 && request.k <= k_max)) {
          throw invalid('k', 'k', `expected 1 to ${k_max}, got ${request.k}`);
        }
        const allows = request.filter === undefined ? undefined : compileFilter(request.filter);
        const stored = await collections.get(call.principal.tenant, collection);
        const space = namespaces.open(call.principal.tenant, stored, namespace);
        await namespaces.refresh(space);
        const query = await queryValues(call, stored, space, request);
        if (request.text !== undefined) await namespaces.refresh(space);
        const seq = space.matrix.seq;
        const view = space.matrix.view();
        const [found, snapshot] = await Promise.all([
          searchRows({ score, view, query, metric: stored.metric, k: request.k, allows }),
          snapshotOf(stored, namespace, seq),
        ]);
        const hits = found.hits
          .filter((hit) => request.min_score === undefined || hit.score >= request.min_score)
          .map(({ slot, ...hit }): Hit => {
            const row = {
              values: view.rows.subarray(slot * stored.dimension, (slot + 1) * stored.dimension),
              metadata: view.metadata[slot],
              content: view.content[slot],
            };
            return { ...hit, ...included(row, request.include) };
          });
        const answer = { hits, score_kind: scoreKind(stored.metric), seq, snapshot, rows_scanned: found.rows_scanned };
        const outcome = {
          response: { hits: hits.map(({ id, score: of }) => ({ id, score: of })), seq, snapshot },
          detail: { hits: hits.length, seq, snapshot, rows_scanned: found.rows_scanned },
        };
        return { value: answer, outcome };
      });
    },

    async get(call, { collection, namespace, ids, include }) {
      readable(call, collection);
      checkName(namespace, 'namespace');
      checkCount(ids.length, limits.vectors.get_ids_max, 'ids');
      const stored = await collections.get(call.principal.tenant, collection);
      const space = namespaces.open(call.principal.tenant, stored, namespace);
      await namespaces.refresh(space);
      const found: VectorRow[] = [];
      const missing: string[] = [];
      for (const id of ids) {
        const row = space.matrix.row(id);
        if (row === undefined) missing.push(id);
        else found.push({ id, ...included(row, include) });
      }
      return { found, missing };
    },

    async delete(call, { collection, namespace, ids, filter }) {
      const judgement = judgementOf('writeVectors', collection, 'delete', {
        ...(ids === undefined ? {} : { rows: ids.length }),
        request: {
          collection,
          namespace,
          ...(ids === undefined ? {} : { ids }),
          ...(filter === undefined ? {} : { filter }),
        },
      });
      return judge.decide(call, judgement, async () => {
        checkName(namespace, 'namespace');
        if ((ids === undefined) === (filter === undefined)) {
          throw invalid('delete', 'ids', 'expected exactly one of `ids` and `filter`');
        }
        if (ids !== undefined) checkCount(ids.length, limits.vectors.delete_ids_max, 'ids');
        const allows = filter === undefined ? undefined : compileFilter(filter);
        const stored = await collections.get(call.principal.tenant, collection);
        const space = namespaces.open(call.principal.tenant, stored, namespace);
        // Nothing was ever written: nothing to delete, and no reason to make the namespace.
        if ((await namespaces.refresh(space)) === undefined) return deletion({ seq: 0, deleted: 0 });
        const writes = allows === undefined ? (ids ?? []).map(deletionOf) : matching(space, allows);
        if (writes.length === 0) return deletion({ seq: space.matrix.seq, deleted: 0 });
        const { seq, deleted } = await writer.write(space, writes);
        return deletion({ seq, deleted });
      });
    },
  };

  /** Names what was searched; the collection's own id is part of it, so that a dropped one never shares a snapshot. */
  async function snapshotOf(stored: StoredCollection, namespace: string, seq: number): Promise<string> {
    const searched = JSON.stringify([stored.name, stored.id, namespace, seq]);
    const [digests] = await digest.digest([new TextEncoder().encode(searched)]);
    if (digests === undefined) throw new Error('no digest of the snapshot came back');
    return digests.blake3;
  }
}

function judgementOf(
  action: 'queryVectors' | 'writeVectors',
  collection: string,
  operation: string,
  { rows, request }: { rows?: number; request: Json },
): Judgement {
  const facts = { operation, ...(rows === undefined ? {} : { rows }) };
  return { action, resource: { type: 'Collection', id: collection }, facts, request };
}

function withoutValues({ values: _values, ...rest }: VectorInput): JsonObject {
  return rest;
}

/** BLAKE3 over the values in order, as little-endian f32: a receipt need not carry a matrix to say which it was. */
async function valuesDigest(
  digest: DigestCompute,
  vectors: readonly { readonly values?: readonly number[] | Float32Array }[],
): Promise<string> {
  const parts = vectors.flatMap(({ values }) => (values === undefined ? [] : [Float32Array.from(values)]));
  const bytes = Buffer.concat(parts.map((part) => Buffer.from(part.buffer)));
  const [digests] = await digest.digest([bytes]);
  if (digests === undefined) throw new Error('no digest of the values came back');
  return digests.blake3;
}

function included(
  row: { values: Float32Array; metadata: JsonObject | undefined; content: string | undefined },
  include: readonly ('metadata' | 'values' | 'content')[],
): Omit<VectorRow, 'id'> {
  return {
    ...(include.includes('values') ? { values: Array.from(row.values) } : {}),
    ...(include.includes('metadata') && row.metadata !== undefined ? { metadata: row.metadata } : {}),
    ...(include.includes('content') && row.content !== undefined ? { content: row.content } : {}),
  };
}

function deletionOf(id: string): RowWrite {
  return { kind: 'delete', id };
}

/** Deletions of the rows that a filter lets through now; a row that is written again meanwhile stays. */
function matching({ matrix }: Namespace, allows: Predicate): readonly RowWrite[] {
  const { slots, ids, metadata, dead } = matrix.view();
  const writes: RowWrite[] = [];
  for (let slot = 0; slot < slots; slot += 1) {
    const id = ids[slot];
    if (id === undefined || dead.has(slot) || !allows(metadata[slot])) continue;
    const seq = matrix.newest(id)?.seq;
    writes.push({ kind: 'delete', id, ...(seq === undefined ? {} : { seq }) });
  }
  return writes;
}

function deletion(value: { seq: number; deleted: number }): {
  value: { seq: number; deleted: number };
  outcome: { response: JsonObject; detail: JsonObject };
} {
  return { value, outcome: { response: { ...value }, detail: { ...value } } };
}
