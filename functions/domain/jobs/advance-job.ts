import { isSignetError } from '../errors.ts';
import type { Queue } from '../ports/queue.ts';
import type { Table } from '../ports/table.ts';
import { holdLease } from './hold-lease.ts';
import { closeRows, jobOf, readJobRow, rescheduleRows, takeRows } from './job-row.ts';
import type { JobRow } from './job-row.ts';
import type { Job, Jobs, JobStep, StepResult } from './jobs.ts';
import { jobKey } from './keys.ts';

export interface AdvanceOptions {
  readonly table: Table;
  readonly queue: Pick<Queue, 'send'>;
  readonly now: () => number;
  readonly newId: () => string;
  readonly random: () => number;
  readonly steps: ReadonlyMap<string, JobStep>;
  readonly lease_ms: number;
  /** Tokens of the leases that this process holds. */
  readonly held: Set<string>;
}

type Advanced = Awaited<ReturnType<Jobs['advance']>>;

const retry_ms_base = 1000;
const retry_ms_max = 300_000;
/** Longer waits are left to `sweepDue`: no queue delays a message for longer. */
export const wake_delay_ms_max = 900_000;

/** One look at a job: take it if it is due, run its step under a lease, write down how that ended. */
export async function advanceJob(options: AdvanceOptions, job_id: string, signal: AbortSignal): Promise<Advanced> {
  const { table, now, newId, lease_ms, held } = options;
  const started_at = now();
  const item = await table.get(jobKey(job_id), started_at);
  // A closed job's row expires after a week; a wake-up that is later still has nothing to do.
  if (item === undefined) return 'done';
  const row = readJobRow(item);
  if (row.state === 'done' || row.state === 'dead') return row.state;
  if (row.lease_until !== undefined && row.lease_until > started_at) return 'leased_elsewhere';
  if (row.lease_until === undefined && row.next_at > started_at) return 'not_due';
  if (row.deadline_at <= started_at) return close(options, row, { state: 'dead', reason: 'deadline' });

  const token = newId();
  held.add(token);
  try {
    const taken = await table.transact(takeRows(row, { token, until: started_at + lease_ms }), started_at);
    if (taken.kind === 'refused') return 'leased_elsewhere';
    const [leased] = taken.items;
    if (leased === undefined) throw new Error('the table did not answer with the job it leased');

    const lease = holdLease({ table, now, lease_ms, row: readJobRow(leased) });
    const result = await runStep(options, jobOf(readJobRow(leased)), AbortSignal.any([signal, lease.lost]), signal);
    const kept = await lease.stop();
    if (kept === undefined) return 'leased_elsewhere';
    return await settle(options, kept, result);
  } finally {
    held.delete(token);
  }
}

/** Never throws: what a step throws is a retry, and at once when it was told to stop. */
async function runStep(
  { steps, random }: AdvanceOptions,
  job: Job,
  signal: AbortSignal,
  stopping: AbortSignal,
): Promise<StepResult> {
  const ceiling_ms = Math.min(retry_ms_max, retry_ms_base * 2 ** Math.min(job.attempt - 1, 20));
  const delay_ms = Math.floor(ceiling_ms * (0.5 + random() / 2));
  const step = steps.get(job.kind);
  // Not the end of it: the next release may know the kind, and the deadline bounds the wait.
  if (step === undefined) return { kind: 'retry', delay_ms, reason: 'unknown_kind' };
  try {
    return await step({ job, signal });
  } catch (cause) {
    if (stopping.aborted) return { kind: 'retry', delay_ms: 0, reason: 'interrupted' };
    return { kind: 'retry', delay_ms, reason: nameOf(cause) };
  }
}

async function settle(options: AdvanceOptions, row: JobRow, result: StepResult): Promise<Advanced> {
  switch (result.kind) {
    case 'done':
      return close(options, row, { state: 'done' });
    case 'dead':
      return close(options, row, { state: 'dead', reason: result.reason });
    case 'retry': {
      const next_at = options.now() + Math.max(0, Math.ceil(result.delay_ms));
      if (next_at >= row.deadline_at) {
        return close(options, row, { state: 'dead', reason: `deadline: ${result.reason}` });
      }
      return reschedule(options, row, { next_at, reason: result.reason });
    }
    case 'wait':
      return wait(options, row, result);
    default:
      return result satisfies never;
  }
}

async function close(
  { table, now }: AdvanceOptions,
  row: JobRow,
  end: { state: 'done' | 'dead'; reason?: string },
): Promise<Advanced> {
  const written = await table.transact(closeRows(row, end, now()), now());
  if (written.kind === 'written') return end.state;
  // Closed already, by an answer that got lost or by whoever took over: their outcome stands.
  const state = written.current?.['state'];
  return state === 'done' || state === 'dead' ? state : 'leased_elsewhere';
}

/** Without a message: whatever is waited for closes the job or hastens it, and if it does not, the sweep finds the due row. */
async function wait(
  { table, now }: AdvanceOptions,
  row: JobRow,
  { until, reason }: { until: number; reason: string },
): Promise<Advanced> {
  const written = await table.transact(rescheduleRows(row, { next_at: until, reason, attempt: 0 }), now());
  return written.kind === 'refused' ? 'leased_elsewhere' : 'rescheduled';
}

async function reschedule(
  { table, queue, now }: AdvanceOptions,
  row: JobRow,
  { next_at, reason }: { next_at: number; reason: string },
): Promise<Advanced> {
  const written = await table.transact(rescheduleRows(row, { next_at, reason }), now());
  if (written.kind === 'refused') return 'leased_elsewhere';
  const delay_ms = Math.max(0, next_at - now());
  if (delay_ms <= wake_delay_ms_max) {
    // The due row is written; without this message the next sweep finds it, only later.
    await queue.send([{ body: JSON.stringify({ job_id: row.id }), delay_ms }]).catch(() => undefined);
  }
  return 'rescheduled';
}

/** A code or a class name. A message may quote what must not be stored. */
function nameOf(cause: unknown): string {
  if (isSignetError(cause)) return cause.code;
  return cause instanceof Error ? cause.name : 'thrown';
}
