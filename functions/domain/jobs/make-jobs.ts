import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Queue } from '../ports/queue.ts';
import type { Table } from '../ports/table.ts';
import { advanceJob } from './advance-job.ts';
import { closeJob } from './close-job.ts';
import { hastenJob } from './hasten-job.ts';
import { createRows, jobOf, readJobRow } from './job-row.ts';
import type { Jobs, JobStep } from './jobs.ts';
import { jobKey } from './keys.ts';
import { reclaimLeases } from './reclaim-leases.ts';
import { makeSweepDue } from './sweep-due.ts';

export interface JobsOptions {
  readonly table: Table;
  /** Wake-ups, bodies of `{ job_id }`. */
  readonly queue: Pick<Queue, 'send'>;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Unique text; makes lease tokens. */
  readonly newId: () => string;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** What each kind of job does. Read when a step is due, so that kinds may be added after this call. */
  readonly steps: ReadonlyMap<string, JobStep>;
  /** How long a silent worker keeps a job. Default `limits.jobs.lease_ms`. */
  readonly lease_ms?: number;
}

/**
 * The one machine for what outlives a request. The table decides everything: a job's row says who may run it, its due row
 * when to look. A message on the queue only says "look now", so it may be lost, repeated or late.
 */
export function makeJobs(options: JobsOptions): Jobs {
  const { table, queue, now, lease_ms = limits.jobs.lease_ms } = options;
  const held = new Set<string>();
  return {
    creation: createRows,

    wake: (job_id) => queue.send([{ body: JSON.stringify({ job_id }) }]),

    advance: (job_id, signal) => advanceJob({ ...options, lease_ms, held }, job_id, signal),

    hasten: (job_id, at) => hastenJob({ table, queue, now }, job_id, at),

    close: (job_id) => closeJob({ table, now }, job_id),

    sweepDue: makeSweepDue({ table, queue, now }),

    reclaimAll: () => reclaimLeases({ table, now, held }),

    async get(job_id) {
      const item = await table.get(jobKey(job_id), now());
      return item === undefined ? undefined : jobOf(readJobRow(item));
    },
  };
}
