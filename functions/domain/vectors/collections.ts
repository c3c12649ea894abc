import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { NewId, Now } from '../call.ts';
import { SignetError } from '../errors.ts';
import type { Metric, Precision } from '../ports/compute.ts';
import { splitTransactions } from '../ports/split-transactions.ts';
import type { Item, Key, Table } from '../ports/table.ts';
import { collectionKey, collectionList, headKey, namespaceKey, namespaceList, partition } from './keys.ts';
import type { Collection } from './vectors.ts';

/** A collection as its row says; `id` tells it from an earlier one of the same name. */
export interface StoredCollection {
  readonly id: string;
  readonly name: string;
  readonly metric: Metric;
  readonly dimension: number;
  readonly model?: string;
  readonly model_digest?: string;
  /** In which its texts are embedded, whatever the model's default is by now; absent in rows older than int8. */
  readonly precision?: Precision;
  /** Unix seconds. */
  readonly created: number;
}

export interface Collections {
  /** 409 `collection_exists`, or 400 when the tenant has too many. */
  create(tenant: string, facts: Omit<StoredCollection, 'id' | 'created'>): Promise<StoredCollection>;
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
}

export function makeCollections({ table, now, newId }: { table: Table; now: Now; newId: NewId }): Collections {
  async function* partitionsOf(tenant: string, { id }: StoredCollection): AsyncGenerator<{ name: string; pk: string }> {
    for await (const { sk } of rowsOf(namespaceList(tenant, id))) yield { name: sk, pk: partition(tenant, id, sk) };
  }

  async function* rowsOf(pk: string): AsyncGenerator<{ sk: string; item: Item }> {
    let cursor: string | undefined;
    do {
      const page = await table.query({ pk, limit: 1000, ...(cursor === undefined ? {} : { cursor }) }, now());
      yield* page.rows;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  async function remove(rows: readonly { readonly key: Key; readonly bytes: number }[]): Promise<void> {
    for (const transaction of splitTransactions(rows, ({ bytes }) => bytes)) {
      await table.transact(
        transaction.map(({ key }) => ({ kind: 'delete' as const, key })),
        now(),
      );
    }
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
      const stored: StoredCollection = { ...facts, id: newId(), created: Math.floor(now() / 1000) };
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

    async get(tenant, name) {
      // A name that no collection can have is not there either, and makes no key.
      const row = /^[a-z0-9][a-z0-9._-]{0,63}$/.test(name)
        ? await table.get(collectionKey(tenant, name), now())
        : undefined;
      if (row === undefined) {
        throw new SignetError({ code: 'collection_not_found', detail: 'no collection of this name' });
      }
      return row as unknown as StoredCollection;
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
        collections: page.rows.map(({ item }) => item as unknown as StoredCollection),
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
        // The head first: a writer that comes late meets no head, looks for the collection and is told.
        await remove([headKey(pk), namespaceKey(tenant, collection.id, name)].map((key) => ({ key, bytes: 0 })));
        const rows: { key: Key; bytes: number }[] = [];
        for await (const { sk, item } of rowsOf(pk)) {
          rows.push({ key: { pk, sk }, bytes: Buffer.byteLength(JSON.stringify(item)) });
        }
        await remove(rows);
        dropped.push(pk);
      }
      return dropped;
    },
  };
}

export function publicCollection(
  { id: _id, ...collection }: StoredCollection,
  extent: { rows: number; seq: number },
): Collection {
  return { ...collection, ...extent };
}
