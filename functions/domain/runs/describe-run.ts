import type { Json, JsonObject } from '../json.ts';
import type { Table } from '../ports/table.ts';
import { stepReceipts } from './journal.ts';
import { getJson, getText } from './long-text.ts';
import { hasEnded, type RunRow } from './run-row.ts';
import type { Run } from './runs.ts';

const receipts_shown_max = 1000;

/** The run as the API shows it. Of very long runs the first thousand receipts; the final statement counts them all. */
export async function describeRun(table: Table, row: RunRow, now: number): Promise<Run> {
  const place = (name: string) => ({ tenant: row.tenant, run_id: row.id, name });
  const ended = hasEnded(row);
  const [stdout, stderr, result, calls] = await Promise.all([
    ended ? getText(table, place('stdout'), now) : undefined,
    ended ? getText(table, place('stderr'), now) : undefined,
    ended ? getJson(table, place('result'), now) : undefined,
    stepReceipts(table, row, now, receipts_shown_max),
  ]);
  return {
    id: row.id,
    state: row.state,
    stdout: stdout ?? '',
    stderr: stderr ?? '',
    stdout_truncated: row.stdout_truncated ?? false,
    stderr_truncated: row.stderr_truncated ?? false,
    limits: row.limits,
    digests: { script: row.script_digest, ...(row.image === undefined ? {} : { image: row.image }) },
    receipts: [
      ...(row.decision_receipt === undefined ? [] : [row.decision_receipt]),
      ...calls,
      ...(row.final_receipt === undefined ? [] : [row.final_receipt]),
    ],
    created_at: row.created_at,
    attempt: row.attempt,
    ...(row.exit_code === undefined ? {} : { exit_code: row.exit_code }),
    ...(row.error === undefined ? {} : { error: row.error as unknown as NonNullable<Run['error']> }),
    ...(result === undefined ? {} : { result: result satisfies Json }),
    ...(row.result_type === undefined ? {} : { result_type: row.result_type }),
    ...(row.usage === undefined ? {} : { usage: row.usage as unknown as NonNullable<Run['usage']> }),
    ...(row.timings === undefined ? {} : { timings: row.timings satisfies JsonObject }),
    ...(row.ended_at === undefined ? {} : { ended_at: row.ended_at }),
  };
}
