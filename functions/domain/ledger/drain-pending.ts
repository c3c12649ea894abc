import type { Now } from '../call.ts';
import type { Table } from '../ports/table.ts';
import { indexKey, pendingId, pendingPartitions } from '../receipts/keys.ts';
import type { PendingEntry } from './staging.ts';

/**
 * Entries that wait, oldest first, at most so many and so many bytes. One that has its place in the log already (a row that
 * a restored table brought back) is left out, and named in `stale`.
 */
export async function drainPending(
  { table, now }: { table: Table; now: Now },
  { entries_max, bytes_max }: { entries_max: number; bytes_max: number },
): Promise<{ readonly pending: readonly PendingEntry[]; readonly stale: readonly { pk: string; sk: string }[] }> {
  const pages = await Promise.all(
    pendingPartitions.map(async (pk) => {
      const { rows } = await table.query({ pk, limit: Math.min(entries_max, 1000) }, now());
      return rows.map(({ sk, item }) => ({ pk, sk, item }));
    }),
  );
  const rows = pages.flat().sort((a, b) => (a.sk < b.sk ? -1 : a.sk > b.sk ? 1 : 0));
  const pending: PendingEntry[] = [];
  const stale: { pk: string; sk: string }[] = [];
  let bytes = 0;
  for (const { pk, sk, item } of rows.slice(0, entries_max)) {
    const entry = Buffer.from(item['entry'] as string);
    if (pending.length > 0 && bytes + entry.length > bytes_max) break;
    const id = pendingId(sk);
    const index = await table.get(indexKey(id), now());
    if (typeof index?.['index'] === 'number') {
      stale.push({ pk, sk });
      continue;
    }
    bytes += entry.length;
    pending.push({ pk, sk, id, bytes: entry });
  }
  return { pending, stale };
}

/** The bytes of entries that wait, at most 1,000 of each shard. */
export async function waitingEntries({ table, now }: { table: Table; now: Now }): Promise<readonly Uint8Array[]> {
  const pages = await Promise.all(pendingPartitions.map((pk) => table.query({ pk, limit: 1000 }, now())));
  return pages.flatMap(({ rows }) => rows.map(({ item }) => Buffer.from(item['entry'] as string)));
}
