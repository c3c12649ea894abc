import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { NewId, Now, RandomBytes } from '../call.ts';
import { SignetError } from '../errors.ts';
import type { Metric, Precision } from '../ports/compute.ts';
import { allRows } from '../ports/all-rows.ts';
import { deleteRows, type KeyedBytes } from '../ports/delete-rows.ts';
import type { Objects } from '../ports/objects.ts';
import type { StoredRows } from '../ports/segment-compute.ts';
import type { Item, Row, Table } from '../ports/table.ts';
import { droppedItem, readHead } from './head.ts';
import {
  collectionKey,
  collectionList,
  deltaRange,
  droppedKey,
  headKey,
  namespaceKey,
  namespaceList,
  partition,
  segmentFolder,
} from './keys.ts';
import type { Collection } from './vectors.ts';

/** A collection as its row says; `id` tells it from an earlier one of the same name. */
export interface StoredCollection {
  readonly id: string;
  readonly name: string;
  readonly metric: Metric;
  readonly dimension: number;
  readonly rows: StoredRows;
  readonly text: boolean;
  /** 16 hex digits; seeds the rotation of the codes. */
  readonly rotation_key: string;
  /** Share of the queries that are asked again exactly. */
  readonly recall_sample: number;
  readonly model?: string;
  readonly model_digest?: string;
  readonly precision?: Precision;
  /** Unix seconds. */
  readonly created: number;
}

export interface Collections {
  /** 409 `collection_exists`, or 400 when the tenant has too many. */
  create(tenant: string, facts: Omit<StoredCollection, 'id' | 'created' | 'rotation_key'>): Promise<StoredCollection>;
  find(tenant: string, name: string): Promise<StoredCollection | undefined>;
  /** 404 `collection_not_found`. */
  get(tenant: string, name: string): Promise<StoredCollection>;
  list(
    tenant: string,
    page: { prefix: string | undefined; cursor: string | undefined; limit: number },
  ): Promise<{ collections: readonly StoredCollection[]; cursor?: string }>;
  /** Live rows and the newest write, over all namespaces. */
  extent(tenant: string, collection: StoredCollection): Promise<{ rows: number; seq: number }>;
  /** Answers the partitions whose rows are gone. */
  drop(tenant: string, collection: StoredCollection): Promise<readonly string[]>;
  /** Answers the partition whose rows are gone; undefined where there was none. */
  dropNamespace(tenant: string, collection: StoredCollection, name: string): Promise<string | undefined>;
  /** Names of its namespaces. */
  namespaces(tenant: string, collection: StoredCollection): Promise<readonly string[]>;
}

/** What a namespace is made of as of a generation. */
interface Ending {
  readonly generation: number;
  readonly rows: readonly KeyedBytes[];
  readonly objects: readonly string[];
}

export function makeCollections({
  table,
  objects,
  now,
  newId,
  random,
}: {
  table: Table;
  objects: Objects;
  now: Now;
  newId: NewId;
  random: RandomBytes;
}): Collections {
  async function* partitionsOf(tenant: string, { id }: StoredCollection): AsyncGenerator<{ name: string; pk: string }> {
    for await (const { sk } of rowsOf(namespaceList(tenant, id))) yield { name: sk, pk: partition(tenant, id, sk) };
  }

  const rowsOf = (pk: string, range: { from?: string; to?: string } = {}): AsyncGenerator<Row> =>
    allRows(table, { pk, ...range, limit: 1000 }, now);

  const remove = (rows: readonly KeyedBytes[]): Promise<void> => deleteRows(table, rows, now);

  /** Of a collection that is gone: a late writer meets no head, looks for the collection and is told. */
  async function removeNamespace(tenant: string, { id }: StoredCollection, name: string): Promise<void> {
    const pk = partition(tenant, id, name);
    await remove([headKey(pk), namespaceKey(tenant, id, name)].map((key) => ({ key, bytes: 0 })));
    await removeObjects(segmentFolder({ tenant, collection: { id }, name }));
    await remove(await keysOf(pk));
  }

  /**
   * Of a collection that stays, so that the next put makes it anew, maybe while this runs. What is deleted was listed
   * before the head went, and the new one writes above it: no key and no object means two things.
   */
  async function endNamespace(tenant: string, { id }: StoredCollection, name: string): Promise<boolean> {
    const pk = partition(tenant, id, name);
    for (let listed: Ending | undefined; ; ) {
      const item = await table.get(headKey(pk), now());
      if (item === undefined) return false;
      const head = readHead(item);
      // A compaction came between: it made objects that are not on the list.
      if (listed === undefined || listed.generation !== head.generation) {
        listed = { generation: head.generation, rows: await keysOf(pk), objects: await objectsIn(tenant, id, name) };
        continue;
      }
      const ended = await table.transact(
        [
          {
            kind: 'delete',
            key: headKey(pk),
            conditions: (['seq', 'generation'] as const)
              .filter((field) => field in item)
              .map((field) => ({ kind: 'equals', field, value: head[field] })),
          },
          { kind: 'delete', key: namespaceKey(tenant, id, name) },
          { kind: 'put', key: droppedKey(pk), item: droppedItem(head) },
        ],
        now(),
      );
      if (ended.kind === 'refused') continue;
      for (const key of listed.objects) await objects.delete(key);
      await remove(listed.rows);
      // Written after the list was made, before the head went.
      await remove(await keysOf(pk, deltaRange(pk, 0, head.seq)));
      return true;
    }
  }

  /** All rows of a namespace but those that say whether it is there. */
  async function keysOf(pk: string, range: { from?: string; to?: string } = {}): Promise<KeyedBytes[]> {
    const rows: KeyedBytes[] = [];
    for await (const { sk, item } of rowsOf(pk, range)) {
      const isOfHead = sk === headKey(pk).sk || sk === droppedKey(pk).sk;
      if (!isOfHead) rows.push({ key: { pk, sk }, bytes: Buffer.byteLength(JSON.stringify(item)) });
    }
    return rows;
  }

  async function objectsIn(tenant: string, id: string, name: string): Promise<string[]> {
    const keys: string[] = [];
    const prefix = segmentFolder({ tenant, collection: { id }, name });
    for (let cursor: string | undefined; ; ) {
      const page = await objects.list({ prefix, limit: 1000, ...(cursor === undefined ? {} : { cursor }) });
      keys.push(...page.keys);
      cursor = page.cursor;
      if (cursor === undefined) return keys;
    }
  }

  async function removeObjects(prefix: string): Promise<void> {
    for (;;) {
      const { keys } = await objects.list({ prefix, limit: 1000 });
      if (keys.length === 0) return;
      for (const key of keys) await objects.delete(key);
    }
  }

  async function find(tenant: string, name: string): Promise<StoredCollection | undefined> {
    // A name that no collection can have is not there either, and makes no key.
    if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)) return undefined;
    const row = await table.get(collectionKey(tenant, name), now());
    return row === undefined ? undefined : readCollection(row);
  }

  return {
    async create(tenant, facts) {
      const { collections_max } = limits.vectors;
      const held = await table.query({ pk: collectionList(tenant), limit: collections_max }, now());
      if (held.rows.length >= collections_max) {
        throw new SignetError({
          code: 'invalid_request',
          reason: 'collections_max',
          detail: `expected at most ${collections_max} collections; drop one first`,
        });
      }
      const stored: StoredCollection = {
        ...facts,
        id: newId(),
        rotation_key: Buffer.from(random(8)).toString('hex'),
        created: Math.floor(now() / 1000),
      };
      const written = await table.write(
        {
          kind: 'put',
          key: collectionKey(tenant, facts.name),
          item: { ...stored },
          conditions: [{ kind: 'absent' }],
        },
        now(),
      );
      if (written.kind === 'refused') {
        throw new SignetError({ code: 'collection_exists', detail: `a collection \`${facts.name}\` exists` });
      }
      return stored;
    },

    find,

    async get(tenant, name) {
      const found = await find(tenant, name);
      if (found !== undefined) return found;
      throw new SignetError({ code: 'collection_not_found', detail: 'no collection of this name' });
    },

    async list(tenant, { prefix, cursor, limit }) {
      const query = {
        pk: collectionList(tenant),
        limit,
        ...(prefix === undefined || prefix === '' ? {} : { prefix }),
        ...(cursor === undefined ? {} : { cursor }),
      };
      const page = await table.query(query, now()).catch((cause: unknown) => {
        if (!(cause instanceof TypeError)) throw cause;
        throw new SignetError(
          {
            code: 'invalid_request',
            reason: 'cursor',
            param: 'cursor',
            detail: 'expected a cursor of the page before, with the same `prefix`, and 1 to 1000 as `limit`',
          },
          { cause },
        );
      });
      return {
        collections: page.rows.map(({ item }) => readCollection(item)),
        ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
      };
    },

    async extent(tenant, collection) {
      let rows = 0;
      let seq = 0;
      for await (const { pk } of partitionsOf(tenant, collection)) {
        const head = await table.get(headKey(pk), now());
        rows += Number(head?.['rows'] ?? 0);
        seq = Math.max(seq, Number(head?.['seq'] ?? 0));
      }
      return { rows, seq };
    },

    async namespaces(tenant, collection) {
      const names: string[] = [];
      for await (const { name } of partitionsOf(tenant, collection)) names.push(name);
      return names;
    },

    async drop(tenant, collection) {
      const gone = await table.write(
        {
          kind: 'delete',
          key: collectionKey(tenant, collection.name),
          conditions: [{ kind: 'equals', field: 'id', value: collection.id }],
        },
        now(),
      );
      if (gone.kind === 'refused') {
        throw new SignetError({ code: 'collection_not_found', detail: 'no collection of this name' });
      }
      // From here on nothing finds its rows; a drop that dies half way leaves bytes, never answers.
      const dropped: string[] = [];
      for await (const { name, pk } of partitionsOf(tenant, collection)) {
        await removeNamespace(tenant, collection, name);
        dropped.push(pk);
      }
      return dropped;
    },

    async dropNamespace(tenant, collection, name) {
      return (await endNamespace(tenant, collection, name)) ? partition(tenant, collection.id, name) : undefined;
    },
  };
}

/** A row of the time before there were segments says less: its rows were kept as they came. */
function readCollection(item: Item): StoredCollection {
  const before = { rows: 'f32', text: false, rotation_key: '0000000000000001', recall_sample: 0 };
  return { ...before, ...item } as unknown as StoredCollection;
}

export function publicCollection(
  { id: _id, rotation_key: _key, rows: stored_rows, ...collection }: StoredCollection,
  { rows, seq }: { rows: number; seq: number },
): Collection {
  return { ...collection, stored_rows, rows, seq };
}
