import type { Jobs } from '../domain/jobs/jobs.ts';
import { makeSweepDue } from '../domain/jobs/sweep-due.ts';
import { cloudQueue, cloudTable } from './cloud-adapters.ts';
import type { EnvironmentOf } from './read-cloud-environment.ts';

/** What `sweep-due` needs each minute: due rows and the queue. No identity: it decides nothing and signs nothing. */
export function openSweep(environment: EnvironmentOf<'sweep-due'>): { readonly jobs: Pick<Jobs, 'sweepDue'> } {
  const table = cloudTable(environment);
  const queue = cloudQueue(environment);
  return { jobs: { sweepDue: makeSweepDue({ table, queue, now: Date.now }) } };
}
