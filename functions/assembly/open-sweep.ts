import { makeSweepDue } from '../domain/jobs/sweep-due.ts';
import { makeSweepPending, type PendingSweep } from '../domain/ledger/sweep-pending.ts';
import type { Jobs } from '../domain/jobs/jobs.ts';
import { cloudQueue, cloudTable, cloudWake } from './cloud-adapters.ts';
import type { EnvironmentOf } from './read-cloud-environment.ts';

/**
 * What `sweep-due` needs each minute: due rows, waiting entries, and the queues. No identity: it decides nothing and signs
 * nothing.
 */
export function openSweep(environment: EnvironmentOf<'sweep-due'>): {
  readonly jobs: Pick<Jobs, 'sweepDue'>;
  readonly sweepPending: () => Promise<PendingSweep>;
} {
  const table = cloudTable(environment);
  const queue = cloudQueue(environment);
  const now = Date.now;
  return {
    jobs: { sweepDue: makeSweepDue({ table, queue, now }) },
    sweepPending: makeSweepPending({ table, send: cloudWake(environment), now }),
  };
}
