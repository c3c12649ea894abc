import type { Database } from '../adapters/sqlite/open-database.ts';
import { sweepInBackground } from '../adapters/sqlite/sweep-in-background.ts';
import type { Counts } from '../domain/counts/make-counts.ts';
import type { SealingWork } from '../domain/ledger/run-sealer.ts';
import type { Jobs } from '../domain/jobs/jobs.ts';
import { runJobWorker } from '../domain/jobs/run-job-worker.ts';
import type { Queue } from '../domain/ports/queue.ts';
import type { NodeLog } from './node-log.ts';

const counts_every_ms = 60_000;
const jobs_at_a_time = 8;

/** Starts what works without a request; the result stops it and resolves when all of it has ended. */
export function startBackgroundWork(request: {
  db: Database;
  jobs: Jobs;
  queue: Queue;
  counts: Counts;
  /** Under way already; it ends last, behind everything that appends. */
  sealing: SealingWork | undefined;
  now: () => number;
  log: NodeLog;
}): () => Promise<void> {
  const { db, jobs, queue, counts, sealing, now, log } = request;
  const stop = new AbortController();
  const worker = workOnJobs();
  const flush = async (): Promise<void> => {
    await counts.flush().catch((error: unknown) => log.error({ err: error }, 'the counts were not recorded'));
  };
  const minute = setInterval(() => void flush(), counts_every_ms);
  const sweep = sweepInBackground({ db, now, onError: (error) => log.warn({ err: error }, 'expired rows stay') });
  return async () => {
    clearInterval(minute);
    stop.abort();
    await worker;
    await sweep.stop();
    await flush();
    await sealing?.stop();
  };

  /** What a killed predecessor left goes on at once: the lock of the home says that no other worker lives. */
  async function workOnJobs(): Promise<void> {
    try {
      const jobs_reclaimed = await jobs.reclaimAll();
      if (jobs_reclaimed > 0) log.info({ jobs_reclaimed }, 'jobs of a process that was lost go on');
    } catch (error) {
      log.warn({ err: error }, 'jobs of a process that was lost wait for the end of their leases');
    }
    await runJobWorker({
      jobs,
      queue,
      signal: stop.signal,
      concurrency: jobs_at_a_time,
      onError: (error, doing) => log.error({ err: error }, `job worker: ${doing} failed`),
    });
  }
}
