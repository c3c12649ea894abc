import type { Table } from '../ports/table.ts';
import { readJobRow, renewRows } from './job-row.ts';
import type { JobRow } from './job-row.ts';
import { jobKey } from './keys.ts';

export interface HeldLease {
  /** Aborts when the lease is another's, or ran out because it could not be renewed. */
  readonly lost: AbortSignal;
  /** Ends the renewals; the row as it now is, or undefined when the lease was lost. */
  stop(): Promise<JobRow | undefined>;
}

/** Renews the lease of `row` each third of `lease_ms` while its step runs. */
export function holdLease(options: { table: Table; now: () => number; lease_ms: number; row: JobRow }): HeldLease {
  const { table, now, lease_ms } = options;
  const lost = new AbortController();
  let row = options.row;
  let renewal = Promise.resolve();

  async function renew(): Promise<void> {
    if (lost.signal.aborted) return;
    try {
      const written = await table.transact(renewRows(row, now() + lease_ms), now());
      const item = written.kind === 'written' ? written.items[0] : written.current;
      const current = item === undefined ? undefined : readJobRow(item);
      // Refused with our token in it: an earlier renewal went through although its answer got lost.
      if (current === undefined || current.lease_token !== row.lease_token) lost.abort();
      else row = current;
    } catch {
      // The next turn tries again; a lease that ran out meanwhile may be another's, so the step must stop.
      if ((row.lease_until ?? 0) <= now()) lost.abort();
    }
  }

  const timer = setInterval(() => {
    renewal = renewal.then(renew);
  }, lease_ms / 3);

  return {
    lost: lost.signal,

    async stop() {
      clearInterval(timer);
      await renewal;
      if (lost.signal.aborted) return undefined;
      const item = await table.get(jobKey(row.id), now());
      const current = item === undefined ? undefined : readJobRow(item);
      return current?.lease_token === row.lease_token ? current : undefined;
    },
  };
}
