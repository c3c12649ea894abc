import limits from '@signet/shared/limits.json' with { type: 'json' };
import { allPages } from '../ports/all-rows.ts';
import type { Queue } from '../ports/queue.ts';
import type { Condition, Row, Table } from '../ports/table.ts';
import { readJobRow } from './job-row.ts';
import { dueKeyOf, dueShard, dueUntil, jobIdOf, jobKey } from './keys.ts';

/** A due row is announced again when nothing came of it for this long; the queue need not hold it once a second. */
const resend_ms = 10_000;
const page_rows = 100;
/** A sweep stops at about so many; the next goes on. */
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
    // At once: each shard is a round trip or two, and an idle minute should cost the time of one.
    await Promise.all(Array.from({ length: limits.jobs.due_shards }, (_, shard) => sweepShard(shard)));
    return woken;

    async function sweepShard(shard: number): Promise<void> {
      const query = { pk: dueShard(shard), to: dueUntil(swept_at), limit: page_rows };
      for await (const page of allPages(table, query, () => swept_at)) {
        for (let start = 0; start < page.length && woken < woken_max; start += limits.queue.batch_max) {
          const woken_here = await wakeRows(page.slice(start, start + limits.queue.batch_max), swept_at);
          woken += woken_here;
        }
        if (woken >= woken_max) return;
      }
    }
  };

  /** As many as one message batch takes. */
  async function wakeRows(rows: readonly Row[], swept_at: number): Promise<number> {
    const fresh = rows.filter(({ sk }) => !announced.has(sk));
    const current = await Promise.all(fresh.map(({ sk }) => isCurrent(jobIdOf(sk), sk, swept_at)));
    const due = fresh.filter((_, index) => current[index] === true);
    if (due.length === 0) return 0;
    await queue.send(due.map(({ sk }) => ({ body: JSON.stringify({ job_id: jobIdOf(sk) }) })));
    for (const { sk } of due) announced.set(sk, swept_at);
    return due.length;
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
