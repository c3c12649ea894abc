import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Now } from '../call.ts';
import type { Table } from '../ports/table.ts';
import { dueShard, dueUntil } from './keys.ts';

/** Milliseconds for which the job that has waited longest is overdue; 0 when none is. Every instance reads the same. */
export async function oldestDue({ table, now }: { table: Table; now: Now }): Promise<number> {
  const at = now();
  const shards = Array.from({ length: limits.jobs.due_shards }, (_, shard) => shard);
  const pages = await Promise.all(
    shards.map((shard) => table.query({ pk: dueShard(shard), to: dueUntil(at), limit: 1 }, at)),
  );
  const times = pages.flatMap(({ rows }) => rows.map(({ sk }) => Number(sk.slice(0, sk.indexOf('#')))));
  return Math.max(0, ...times.map((due_at) => at - due_at));
}
