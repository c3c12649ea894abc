import type { Now } from '../call.ts';
import type { Table } from '../ports/table.ts';
import { readDelta } from './delta-row.ts';
import { deltaRange, headKey, partition } from './keys.ts';
import { RowMatrix } from './row-matrix.ts';

/** One namespace of one collection: where its rows are, and those that are in memory. */
export interface Namespace {
  readonly pk: string;
  readonly tenant: string;
  readonly name: string;
  readonly collection: { readonly id: string; readonly name: string; readonly dimension: number };
  readonly matrix: RowMatrix;
}

export interface Namespaces {
  /** The namespace, in memory or empty. */
  open(tenant: string, collection: Namespace['collection'], name: string): Namespace;
  /** Brings the rows up to the head, read strongly; undefined, and nothing is kept, where nothing was ever written. */
  refresh(namespace: Namespace): Promise<{ readonly seq: number; readonly rows: number } | undefined>;
  forget(pk: string): void;
}

/**
 * Namespaces in memory, the least recently used dropped when all together are over `bytes_max` (one alone may be larger).
 * Each follows its head, so a query reads the head and what was written since, never all rows again.
 */
export function makeNamespaces({ table, now, bytes_max }: { table: Table; now: Now; bytes_max: number }): Namespaces {
  /** In the order of use, the newest last. */
  const held = new Map<string, Namespace>();

  function drop(): void {
    let bytes = 0;
    for (const namespace of held.values()) bytes += bytesOf(namespace);
    for (const [pk, namespace] of held) {
      if (bytes <= bytes_max || held.size === 1) return;
      held.delete(pk);
      bytes -= bytesOf(namespace);
    }
  }

  return {
    open(tenant, collection, name) {
      const pk = partition(tenant, collection.id, name);
      return held.get(pk) ?? { pk, tenant, name, collection, matrix: new RowMatrix(collection.dimension) };
    },

    async refresh(namespace) {
      const { pk, matrix, collection } = namespace;
      const head = await table.get(headKey(pk), now());
      // Only what exists is held: names that were merely asked for are anybody's to invent.
      if (head === undefined) return undefined;
      const isNew = held.get(pk) !== namespace;
      held.delete(pk);
      held.set(pk, namespace);
      const seq = Number(head['seq']);
      if (seq > matrix.seq) {
        // Upwards and without an upper end: a row that is replaced meanwhile turns up again later in the same scan.
        let cursor: string | undefined;
        const range = { ...deltaRange(pk, matrix.seq + 1), limit: 1000 };
        do {
          const page = await table.query(cursor === undefined ? range : { ...range, cursor }, now());
          for (const { item } of page.rows) matrix.apply(readDelta(item, collection.dimension));
          cursor = page.cursor;
        } while (cursor !== undefined);
        matrix.reach(seq);
        drop();
      } else if (isNew) drop();
      return { seq, rows: Number(head['rows']) };
    },

    forget(pk) {
      held.delete(pk);
    },
  };
}

/** What a namespace costs that has no rows: its object, its matrix and its entry. */
const namespace_bytes = 1024;

function bytesOf({ matrix }: Namespace): number {
  return namespace_bytes + matrix.bytes;
}
