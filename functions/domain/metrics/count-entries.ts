import type { Now } from '../call.ts';
import type { Table } from '../ports/table.ts';
import { pendingKey, pendingPartition } from '../receipts/keys.ts';
import { addToTally, sumOf, type Tally } from './tally.ts';

/** What all entries of the log say together, whichever process stored them. */
export type CountEntries = () => Promise<Tally>;

/**
 * Counts the entries that are stored and not sealed. As with their number, what is older than some seconds is read once
 * and remembered; what is newer is read each time, since other processes may still be writing between two entries.
 */
export function countEntries({ table, now }: { table: Table; now: Now }): CountEntries {
  let settled: { readonly to: string; readonly tally: Tally } = { to: pendingKey(0, '').sk, tally: {} };

  async function tallyOf(from: string, to: string): Promise<Tally> {
    let tally: Tally = {};
    let cursor: string | undefined;
    do {
      const range = { pk: pendingPartition, from, to, limit: 500 };
      const page = await table.query(cursor === undefined ? range : { ...range, cursor }, now());
      for (const { item } of page.rows) {
        if (typeof item['entry'] === 'string') tally = addToTally(tally, item['entry']);
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return tally;
  }

  return async () => {
    const { to: from, tally } = settled;
    // No entry has the empty id: each is on one side.
    const horizon = pendingKey(Math.max(0, now() - settling_ms), '').sk;
    if (horizon <= from) return sumOf(tally, await tallyOf(from, newest));
    const [older, newer] = await Promise.all([tallyOf(from, horizon), tallyOf(horizon, newest)]);
    const before = sumOf(tally, older);
    // Another call that ran beside this one may have come further.
    if (settled.to < horizon) settled = { to: horizon, tally: before };
    return sumOf(before, newer);
  };
}

/** Longer than a write is repeated, and than clocks of machines are apart. */
const settling_ms = 10_000;
const newest = '9'.repeat(15);
