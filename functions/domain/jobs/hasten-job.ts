import type { Queue } from '../ports/queue.ts';
import type { Table } from '../ports/table.ts';
import { wake_delay_ms_max } from './advance-job.ts';
import { hastenRows, readJobRow } from './job-row.ts';
import { jobKey } from './keys.ts';

/** Brings the time of a waiting job forward to `at`. Whoever leases or closes it at the same moment goes before. */
export async function hastenJob(
  { table, queue, now }: { table: Table; queue: Pick<Queue, 'send'>; now: () => number },
  job_id: string,
  at: number,
): Promise<void> {
  const item = await table.get(jobKey(job_id), now());
  const row = item === undefined ? undefined : readJobRow(item);
  if (row?.state !== 'waiting' || row.next_at <= at) return;
  const written = await table.transact(hastenRows(row, at), now());
  const delay_ms = Math.max(0, at - now());
  if (written.kind === 'refused' || delay_ms > wake_delay_ms_max) return;
  // The due row is written; without this message the next sweep finds it, only later.
  await queue.send([{ body: JSON.stringify({ job_id }), delay_ms }]).catch(() => undefined);
}
