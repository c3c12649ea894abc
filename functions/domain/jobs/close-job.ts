import type { Table } from '../ports/table.ts';
import { closeRows, readJobRow } from './job-row.ts';
import { jobKey } from './keys.ts';

/** Each refusal is a writer who was faster, and a job has few: a worker that takes, renews or settles it, and a sweep. */
const tries_max = 8;

/** Closes a job as done, leased or not. One that stays open in spite of this ends with its next step. */
export async function closeJob({ table, now }: { table: Table; now: () => number }, job_id: string): Promise<void> {
  for (let tries = 0; tries < tries_max; tries += 1) {
    const item = await table.get(jobKey(job_id), now());
    const row = item === undefined ? undefined : readJobRow(item);
    if (row === undefined || row.state === 'done' || row.state === 'dead') return;
    const written = await table.transact(closeRows(row, { state: 'done' }, now()), now());
    if (written.kind === 'written') return;
  }
}
