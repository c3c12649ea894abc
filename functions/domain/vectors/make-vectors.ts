import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Call, NewId, Now, RandomBytes } from '../call.ts';
import type { Judge, Judgement } from '../decisions/judge.ts';
import type { Embeddings } from '../embeddings/embeddings.ts';
import { SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Jobs, JobStep } from '../jobs/jobs.ts';
import type { DigestCompute } from '../ports/compute.ts';
import { digestOne } from '../ports/digest-one.ts';
import type { Objects } from '../ports/objects.ts';
import type { SegmentCompute } from '../ports/segment-compute.ts';
import type { Table } from '../ports/table.ts';
import { checkCount, checkName, invalid } from './check-request.ts';
import { makeCollectionValues } from './collection-values.ts';
import { makeCollections, publicCollection, type StoredCollection } from './collections.ts';
import { compactionRules, type CompactionRules } from './compaction-rules.ts';
import { compaction_kind, makeCompactions } from './compactions.ts';
import type { FindSegment } from './find-segment.ts';
import { newHead } from './head.ts';
import { noManifest } from './manifest.ts';
import { makeRecallMeter, recall_kind } from './measure-recall.ts';
import { makeNamespaces, type Followed, type Namespace } from './namespaces.ts';
import { checkQuery, includedOf, queryNamespace, rowOf, viewQuery } from './query-namespace.ts';
import { explainRefusal } from './refused-input.ts';
import type { NewCollection, Place, QueryRequest, VectorInput, Vectors } from './vectors.ts';
import { makeRowWriter } from './write-rows.ts';

const memory_bytes = 512 * 1024 * 1024;
const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });

export interface VectorsFacts {
  readonly table: Table;
  readonly objects: Objects;
  /** What searches now; namespaces are opened anew when it changes. */
  readonly segments: () => SegmentCompute;
  readonly findSegment: FindSegment;
  readonly embeddings: Pick<Embeddings, 'vectorsOf'>;
  readonly digest: DigestCompute;
  readonly judge: Judge;
  readonly jobs: Jobs;
  readonly now: Now;
  readonly newId: NewId;
  readonly random: RandomBytes;
  /** What segments and rows in memory may take together; default 512 MiB. */
  readonly memory_bytes_max?: number;
  /** Default: those of `limits.json`. */
  readonly compaction?: Partial<CompactionRules> | undefined;
  /** Between two tries of a write; the platform's timer when absent. */
  readonly pause?: (milliseconds: number) => Promise<void>;
}

/** With the steps of its jobs by kind, which the node hands to whoever works them off. */
export type VectorsWithJobs = Vectors & { readonly steps: ReadonlyMap<string, JobStep> };

/**
 * Collections of vectors. A query sees every write that was answered before it; of two writes of one id the newest counts;
 * equal scores are answered in the order of ids.
 */
export function makeVectors(facts: VectorsFacts): VectorsWithJobs {
  const { table, objects, digest, judge, jobs, now, newId, random, pause = sleep } = facts;
  const collections = makeCollections({ table, objects, now, newId, random });
  const namespaces = makeNamespaces({
    table,
    objects,
    compute: facts.segments,
    findSegment: facts.findSegment,
    now,
    bytes_max: facts.memory_bytes_max ?? memory_bytes,
  });
  const rules = { ...compactionRules, ...facts.compaction };
  const compactions = makeCompactions({ rules, table, objects, digest, jobs, collections, namespaces, now, newId });
  const recall = makeRecallMeter({ table, jobs, collections, namespaces, now });
  const writer = makeRowWriter({ table, compactions, rules, now, random, pause });
  const values = makeCollectionValues({ embeddings: facts.embeddings, newId });

  const assertReadable = (call: Call, collection: string): void => {
    const resource = { type: 'Collection', id: collection };
    if (judge.permits(call, { action: 'read', resource, facts: {} })) return;
    throw new SignetError({
      code: 'policy_denied',
      reason: 'gate.policy',
      detail: 'this key may not read collections',
    });
  };

  async function openNamespace(call: Call, { collection, namespace }: Place): Promise<Namespace> {
    checkName(namespace, 'namespace');
    const stored = await collections.get(call.principal.tenant, collection);
    return namespaces.open(call.principal.tenant, stored, namespace);
  }

  /** Follows, works, and lets the view go whatever comes of it. A namespace that was never written is one without rows. */
  async function following<T>(namespace: Namespace, work: (followed: Followed) => Promise<T>): Promise<T> {
    const followed = (await explainRefusal(namespace.follow())) ?? (await openEmpty(namespace.collection));
    try {
      return await explainRefusal(work(followed));
    } finally {
      followed.release();
    }
  }

  async function openEmpty({ metric, dimension, rows, text }: StoredCollection): Promise<Followed> {
    const compute = facts.segments();
    const view = await compute.openView({ metric, dimension, rows, text, segments: [] });
    const release = (): void => void compute.closeView(view).catch(() => undefined);
    return { head: newHead, manifest: noManifest, compute, view, segments: [], release };
  }

  async function describe(tenant: string, stored: StoredCollection) {
    return publicCollection(stored, await collections.extent(tenant, stored));
  }

  async function shapeOf(
    { dimension, model }: NewCollection,
    signal: AbortSignal,
  ): Promise<Pick<StoredCollection, 'dimension' | 'model' | 'model_digest' | 'precision'>> {
    const { dimension_max } = limits.vectors;
    if (dimension !== undefined && !(Number.isInteger(dimension) && dimension >= 1 && dimension <= dimension_max)) {
      throw invalid('dimension', 'dimension', `expected 1 to ${dimension_max}, got ${dimension}`);
    }
    if (model === undefined) {
      if (dimension !== undefined) return { dimension };
      throw invalid('dimension', 'dimension', 'expected `dimension` or `model`');
    }
    // One short text tells the model's own name, its weights and its dimension, whatever alias was asked for.
    const probe = await facts.embeddings.vectorsOf(
      { model, texts: ['signet'], input_type: 'document', truncate: 'end' },
      signal,
    );
    if (dimension !== undefined && dimension !== probe.dimension) {
      throw invalid('dimension_mismatch', 'dimension', `expected ${probe.dimension} for \`${probe.model}\``);
    }
    const { precision, model_digest } = probe;
    return { dimension: probe.dimension, model: probe.model, model_digest, precision };
  }

  return {
    steps: new Map([
      [compaction_kind, compactions.step],
      [recall_kind, recall.step],
    ]),

    async create(call, request) {
      const judgement = judgementOf('writeVectors', request.name, 'create', { request: { ...request } });
      return judge.decide(call, judgement, async () => {
        const { name, metric, stored_rows: rows = 'f16', text = false, recall_sample = 0.01 } = request;
        checkName(name, 'name');
        const shape = await shapeOf(request, call.signal);
        const settings = { name, metric, rows, text, recall_sample };
        const stored = await collections.create(call.principal.tenant, { ...settings, ...shape });
        const value = publicCollection(stored, { rows: 0, seq: 0 });
        return { value, outcome: { response: { ...value } } };
      });
    },

    async list(call, { prefix, cursor, limit }) {
      assertReadable(call, '*');
      const { tenant } = call.principal;
      const page = await collections.list(tenant, { prefix, cursor, limit });
      const found = await Promise.all(page.collections.map((stored) => describe(tenant, stored)));
      return { collections: found, ...(page.cursor === undefined ? {} : { cursor: page.cursor }) };
    },

    async describe(call, collection) {
      assertReadable(call, collection);
      const { tenant } = call.principal;
      return describe(tenant, await collections.get(tenant, collection));
    },

    async stats(call, collection) {
      assertReadable(call, collection);
      const { tenant } = call.principal;
      const stored = await collections.get(tenant, collection);
      const names = await collections.namespaces(tenant, stored);
      return { namespaces: await Promise.all(names.map((name) => statsOf(namespaces.open(tenant, stored, name)))) };
    },

    async drop(call, collection) {
      const judgement = judgementOf('writeVectors', collection, 'drop', { request: { collection } });
      return judge.decide(call, judgement, async () => {
        const stored = await collections.get(call.principal.tenant, collection);
        const dropped = await collections.drop(call.principal.tenant, stored);
        for (const pk of dropped) await namespaces.forget(pk);
        return { value: null, outcome: {} };
      });
    },

    async dropNamespace(call, place) {
      const { collection, namespace } = place;
      const judgement = judgementOf('writeVectors', collection, 'drop', { request: { collection, namespace } });
      return judge.decide(call, judgement, async () => {
        const { collection: stored } = await openNamespace(call, place);
        const pk = await collections.dropNamespace(call.principal.tenant, stored, namespace);
        if (pk !== undefined) await namespaces.forget(pk);
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
        checkCount(vectors.length, limits.vectors.put_rows_max, 'vectors');
        const space = await openNamespace(call, request);
        const { writes, truncated } = await values.ofRows(call, space.collection, vectors);
        const { seq, put } = await explainRefusal(writer.write(space, writes));
        const value = { seq, upserted: put, ids: writes.map(({ id }) => id), truncated };
        return { value, outcome: { response: { ...value }, detail: { seq, upserted: put } } };
      });
    },

    async patch(call, request) {
      const { collection, namespace, patches } = request;
      const judgement = judgementOf('writeVectors', collection, 'patch', {
        rows: patches.length,
        request: { collection, namespace, patches: patches.map((patch) => ({ ...patch })) },
      });
      return judge.decide(call, judgement, async () => {
        checkCount(patches.length, limits.vectors.put_rows_max, 'patches');
        const space = await openNamespace(call, request);
        if (space.collection.rows === 'none') {
          throw new SignetError({ code: 'no_stored_rows', detail: 'this collection keeps no rows to write anew' });
        }
        const ids = patches.map(({ id }) => id);
        const isThere = await following(space, async (followed) => {
          const rows = await followed.compute.lookUp(followed.view, { ids, include: {} });
          return new Set(ids.filter((_, nth) => rows[nth] !== undefined));
        });
        const writes = patches
          .filter(({ id }) => isThere.has(id))
          .map((patch) => ({ kind: 'patch' as const, ...patch }));
        const { seq } =
          writes.length === 0 ? { seq: await seqOf(space) } : await explainRefusal(writer.write(space, writes));
        const value = {
          seq,
          patched: ids.filter((id) => isThere.has(id)),
          missing: ids.filter((id) => !isThere.has(id)),
        };
        return { value, outcome: { response: { ...value }, detail: { seq, patched: value.patched.length } } };
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
        const space = await openNamespace(call, request);
        checkQuery(request, space.collection);
        // Embedded before the namespace is looked at, so that the answer is as fresh as it can be.
        const embedded = await embeddedText(call, space.collection, request);
        const answer = await following(space, async (followed) => {
          const query = await viewQuery({ namespace: space, followed, request, embedded });
          const found = await queryNamespace({ namespace: space, followed, query, digest });
          await recall.sample(call, space, query);
          return found;
        });
        const { hits, seq, snapshot } = answer;
        const outcome = {
          response: { hits: hits.map(({ id, score }) => ({ id, score })), seq, snapshot },
          detail: { hits: hits.length, seq, snapshot },
        };
        return { value: answer, outcome };
      });
    },

    async get(call, request) {
      const { collection, ids, include } = request;
      assertReadable(call, collection);
      checkCount(ids.length, limits.vectors.get_ids_max, 'ids');
      const rows = await following(await openNamespace(call, request), async (followed) =>
        followed.compute.lookUp(followed.view, { ids, include: includedOf(include) }),
      );
      return {
        found: rows.flatMap((row) => (row === undefined ? [] : [rowOf(row)])),
        missing: ids.filter((_, nth) => rows[nth] === undefined),
      };
    },

    async count(call, request) {
      assertReadable(call, request.collection);
      return following(await openNamespace(call, request), async (followed) => {
        const { compute, view, head } = followed;
        return { count: await compute.countRows(view, request.filter), seq: head.seq };
      });
    },

    async ids(call, request) {
      const { collection, prefix = '', cursor, limit } = request;
      assertReadable(call, collection);
      const after = cursor === undefined ? {} : { after: Buffer.from(cursor, 'base64url').toString() };
      const ids = await following(await openNamespace(call, request), async (followed) =>
        followed.compute.listIds(followed.view, { prefix, limit, ...after }),
      );
      const last = ids.length === limit ? ids.at(-1) : undefined;
      return { ids, ...(last === undefined ? {} : { cursor: Buffer.from(last).toString('base64url') }) };
    },

    async delete(call, request) {
      const { collection, namespace, ids, filter } = request;
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
        if ((ids === undefined) === (filter === undefined)) {
          throw invalid('delete', 'ids', 'expected exactly one of `ids` and `filter`');
        }
        if (ids !== undefined) checkCount(ids.length, limits.vectors.delete_ids_max, 'ids');
        const space = await openNamespace(call, request);
        // Nothing was ever written: nothing to delete, and no reason to make the namespace.
        const isEmpty = await following(space, async ({ compute, view, head }) => {
          if (filter !== undefined) await compute.countRows(view, filter);
          return head.seq === 0;
        });
        if (isEmpty) return deletion({ seq: 0, deleted: 0 });
        const writes =
          filter === undefined
            ? (ids ?? []).map((id) => ({ kind: 'delete' as const, id }))
            : [{ kind: 'delete_where' as const, filter }];
        const written = await explainRefusal(writer.write(space, writes));
        return deletion({ seq: written.seq, deleted: written.deleted });
      });
    },

    async compact(call, place) {
      const { collection, namespace } = place;
      const judgement = judgementOf('writeVectors', collection, 'compact', { request: { collection, namespace } });
      return judge.decide(call, judgement, async () => {
        const value = { state: await compactions.begin(await openNamespace(call, place)) };
        return { value, outcome: { response: value } };
      });
    },
  };

  async function embeddedText(call: Call, collection: StoredCollection, request: QueryRequest) {
    const { text, mode = 'dense' } = request;
    if (text === undefined || request.values !== undefined || mode === 'lexical') return undefined;
    return values.ofText(call, collection, text);
  }

  async function seqOf(namespace: Namespace): Promise<number> {
    return following(namespace, async ({ head }) => head.seq);
  }

  async function statsOf(namespace: Namespace) {
    return following(namespace, async ({ head, manifest }) => {
      const measured_recall = await recall.read(namespace);
      return {
        namespace: namespace.name,
        rows: head.rows,
        seq: head.seq,
        generation: head.generation,
        segments: manifest.segments.map(({ level, rows, dead, bytes }) => ({
          level,
          rows,
          dead: dead?.rows ?? 0,
          bytes,
        })),
        delta: { rows: head.seq - head.compacted_seq, bytes: Math.max(0, head.delta_bytes) },
        ...(measured_recall === undefined ? {} : { measured_recall }),
      };
    });
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
  return (await digestOne(digest, bytes)).blake3;
}

function deletion(value: { seq: number; deleted: number }): {
  value: { seq: number; deleted: number };
  outcome: { response: JsonObject; detail: JsonObject };
} {
  return { value, outcome: { response: { ...value }, detail: { ...value } } };
}
