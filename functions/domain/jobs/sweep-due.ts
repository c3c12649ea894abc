import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Queue } from '../ports/queue.ts';
import type { Condition, Row, Table } from '../ports/table.ts';
import { readJobRow } from './job-row.ts';
import { dueKeyOf, dueShard, dueUntil, jobIdOf, jobKey } from './keys.ts';

/** A due row is announced again when nothing came of it for this long; the queue need not hold it once a second. */
const resend_ms = 10_000;
const page_rows = 100;
const woken_max = 1000;

/** Reads the due shards up to now and wakes the jobs in them; a lease that ran out is due, so its job wakes too. */
export function makeSweepDue({ table, queue, now }: { table: Table; queue: Pick<Queue, 'send'>; now: () => number }) {
  const announced = new Map<string, number>();

  return async function sweepDue(): Promise<number> {
    const swept_at = now();
    for (const [due_sk, at] of announced) {
      // Also when the clock was set back.
      if (at + resend_ms <= swept_at || at > swept_at) announced.delete(due_sk);
    }
    let woken = 0;
    for (let shard = 0; shard < limits.jobs.due_shards; shard += 1) {
      let cursor: string | undefined;
      do {
        const query = { pk: dueShard(shard), to: dueUntil(swept_at), limit: page_rows };
        const page = await table.query(cursor === undefined ? query : { ...query, cursor }, swept_at);
        woken += await wakeRows(page.rows, swept_at);
        cursor = page.cursor;
      } while (cursor !== undefined && woken < woken_max);
    }
    return woken;
  };

  async function wakeRows(rows: readonly Row[], swept_at: number): Promise<number> {
    const job_ids: string[] = [];
    for (const { sk } of rows) {
      if (announced.has(sk)) continue;
      const job_id = jobIdOf(sk);
      if (await isCurrent(job_id, sk, swept_at)) {
        announced.set(sk, swept_at);
        job_ids.push(job_id);
      }
    }
    for (let start = 0; start < job_ids.length; start += limits.queue.batch_max) {
      const batch = job_ids.slice(start, start + limits.queue.batch_max);
      await queue.send(batch.map((job_id) => ({ body: JSON.stringify({ job_id }) })));
    }
    return job_ids.length;
  }

  /**
   * Whether the job still waits for this row. One that does not (its job's row expired, or was restored from an older
   * copy) is deleted, unless the job changes meanwhile.
   */
  async function isCurrent(job_id: string, due_sk: string, swept_at: number): Promise<boolean> {
    const item = await table.get(jobKey(job_id), swept_at);
    const row = item === undefined ? undefined : readJobRow(item);
    const is_open = row?.state === 'waiting' || row?.state === 'leased';
    if (is_open && row.due_sk === due_sk) return true;
    const unchanged: Condition =
      row === undefined ? { kind: 'absent' } : { kind: 'equals', field: 'state', value: row.state };
    const same_due: Condition[] = row === undefined ? [] : [{ kind: 'equals', field: 'due_sk', value: row.due_sk }];
    await table.transact(
      [
        { kind: 'check', key: jobKey(job_id), conditions: [unchanged, ...same_due] },
        { kind: 'delete', key: dueKeyOf(job_id, due_sk) },
      ],
      swept_at,
    );
    return false;
  }
}
