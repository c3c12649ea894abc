import limits from '@signet/shared/limits.json' with { type: 'json' };
import { allRows } from '../ports/all-rows.ts';
import type { Table } from '../ports/table.ts';
import { readJobRow, rescheduleRows } from './job-row.ts';
import { dueShard, jobIdOf, jobKey } from './keys.ts';

const page_rows = 500;

/**
 * Gives back every leased job whose token is not in `held`, one transaction each: a crash in between leaves the rest for
 * the next call. A job that moves on meanwhile refuses its transaction and stays with whoever moved it.
 */
export async function reclaimLeases({
  table,
  now,
  held,
}: {
  table: Table;
  now: () => number;
  held: ReadonlySet<string>;
}): Promise<number> {
  let freed = 0;
  for (let shard = 0; shard < limits.jobs.due_shards; shard += 1) {
    for await (const { sk } of allRows(table, { pk: dueShard(shard), limit: page_rows }, now)) {
      if (await reclaim(jobIdOf(sk), sk)) freed += 1;
    }
  }
  return freed;

  async function reclaim(job_id: string, due_sk: string): Promise<boolean> {
    const item = await table.get(jobKey(job_id), now());
    const row = item === undefined ? undefined : readJobRow(item);
    if (row?.state !== 'leased' || row.due_sk !== due_sk || held.has(row.lease_token ?? '')) return false;
    const written = await table.transact(rescheduleRows(row, { next_at: now(), reason: 'worker_lost' }), now());
    return written.kind === 'written';
  }
}
