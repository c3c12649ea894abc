import type { Now } from '../call.ts';
import type { Table } from '../ports/table.ts';
import { pendingKey, pendingPartition, pendingPartitions } from './keys.ts';

/** Counts the entries that wait to be sealed: few, where somebody seals. */
export function countWaiting({ table, now }: { table: Table; now: Now }): () => Promise<number> {
  return async () => {
    const pages = await Promise.all(pendingPartitions.map((pk) => table.query({ pk, limit: 1000 }, now())));
    return pages.reduce((sum, { rows }) => sum + rows.length, 0);
  };
}

/**
 * Where nobody seals yet: counts the entries that are stored, whoever stored them. What is older than some seconds is counted once and remembered;
 * what is newer is counted each time, since other processes may still be writing between two entries that are there.
 */
export function countPending({ table, now }: { table: Table; now: Now }): () => Promise<number> {
  /** Entries before `to`. */
  let settled = { to: pendingKey(0, '').sk, rows: 0 };

  async function countFrom(from: string, to: string): Promise<number> {
    let rows = 0;
    let cursor: string | undefined;
    do {
      const range = { pk: pendingPartition, from, to, limit: 1000 };
      const page = await table.query(cursor === undefined ? range : { ...range, cursor }, now());
      rows += page.rows.length;
      cursor = page.cursor;
    } while (cursor !== undefined);
    return rows;
  }

  return async () => {
    const { to: from, rows } = settled;
    // No entry has the empty id: each is on one side.
    const horizon = pendingKey(Math.max(0, now() - settling_ms), '').sk;
    const [older, newer] =
      horizon <= from
        ? [0, await countFrom(from, newest)]
        : await Promise.all([countFrom(from, horizon), countFrom(horizon, newest)]);
    if (horizon > from) settled = { to: horizon, rows: rows + older };
    return rows + older + newer;
  };
}

/** Longer than a write is repeated, and than clocks of machines are apart. */
const settling_ms = 10_000;
const newest = '9'.repeat(15);
