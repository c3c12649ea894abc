import type { Now } from '../call.ts';
import type { Log } from '../ledger/log.ts';
import type { LedgerFacts } from '../node/status.ts';
import type { Table } from '../ports/table.ts';
import { countEntries } from './count-entries.ts';
import { addToTally, type Tally } from './tally.ts';

/** What the log holds and says now. */
export interface LogReading {
  /** Of all its entries, sealed or not. */
  readonly tally: Tally;
  readonly ledger: LedgerFacts;
}

/** Reads a log that is sealed (`log`), or one that nobody seals. Every instance over the store reads the same. */
export function makeReadLog({
  log,
  table,
  now,
}: {
  log?: Pick<Log, 'totals'> | undefined;
  table: Table;
  now: Now;
}): () => Promise<LogReading> {
  if (log === undefined) {
    const count = countEntries({ table, now });
    return async () => {
      const { tally, entries } = await count();
      return { tally, ledger: { pending: entries } };
    };
  }
  return async () => {
    const { size, root, counts, unsealed, checkpoint_at } = await log.totals();
    const age = checkpoint_at === undefined ? {} : { checkpoint_age_s: Math.max(0, (now() - checkpoint_at) / 1000) };
    return {
      tally: unsealed.reduce((tally: Tally, entry) => addToTally(tally, entry), counts),
      ledger: { pending: unsealed.length, size, root, ...age },
    };
  };
}
