import type { Now } from '../call.ts';
import type { Item, Key, Table } from '../ports/table.ts';
import { pendingKey, pendingPartitions } from '../receipts/keys.ts';
import { addToTally, sumOf, type Tally } from './tally.ts';

/** What all entries of the log say together, whichever process stored them. */
export type CountEntries = () => Promise<Tally>;

/**
 * Counts the entries of a log that nobody seals. What is older than some seconds is read once: its sum is a row of the
 * store, so that a fresh instance goes on from there. What is newer is read each time, since other processes may still be
 * writing between two entries.
 */
export function countEntries({ table, now }: { table: Table; now: Now }): CountEntries {
  let settled: Settled | undefined;

  async function tallyOf(from: string, to: string): Promise<Tally> {
    const tallies = await Promise.all(pendingPartitions.map((pk) => tallyOfShard(pk, from, to)));
    return tallies.reduce(sumOf);
  }

  async function tallyOfShard(pk: string, from: string, to: string): Promise<Tally> {
    let tally: Tally = {};
    let cursor: string | undefined;
    do {
      const range = { pk, from, to, limit: 500 };
      const page = await table.query(cursor === undefined ? range : { ...range, cursor }, now());
      for (const { item } of page.rows) {
        if (typeof item['entry'] === 'string') tally = addToTally(tally, item['entry']);
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    return tally;
  }

  return async () => {
    settled ??= readSettled(await table.get(settledKey, now()));
    const { to: from, tally } = settled;
    // No entry has the empty id: each is on one side.
    const horizon = pendingKey(Math.max(0, now() - settling_ms), '').sk;
    if (horizon <= from) return sumOf(tally, await tallyOf(from, newest));
    const [older, newer] = await Promise.all([tallyOf(from, horizon), tallyOf(horizon, newest)]);
    const before = sumOf(tally, older);
    // Another call that ran beside this one may have come further.
    if (settled.to < horizon) {
      settled = { to: horizon, tally: before };
      if (Object.keys(older).length > 0) await keepSettled(table, settled, now());
    }
    return sumOf(before, newer);
  };
}

/** The sum of all entries before `to`. */
interface Settled {
  readonly to: string;
  readonly tally: Tally;
}

const settledKey: Key = { pk: 'metrics', sk: 'settled' };

function readSettled(item: Item | undefined): Settled {
  const to = item?.['to'];
  const tally = item?.['tally'];
  const isKept = typeof to === 'string' && typeof tally === 'object' && tally !== null;
  return isKept ? { to, tally: tally as Tally } : { to: pendingKey(0, '').sk, tally: {} };
}

/** Whichever instance came furthest is kept: all of them sum the same entries, so losing to another loses nothing. */
async function keepSettled(table: Table, { to, tally }: Settled, now: number): Promise<void> {
  const at = Number(to.slice(0, 15));
  const item = { to, tally, at };
  const newer = await table.write(
    { kind: 'put', key: settledKey, item, conditions: [{ kind: 'less', field: 'at', value: at }] },
    now,
  );
  if (newer.kind === 'refused' && newer.current === undefined) {
    await table.write({ kind: 'put', key: settledKey, item, conditions: [{ kind: 'absent' }] }, now);
  }
}

/** Longer than a write is repeated, and than clocks of machines are apart. */
const settling_ms = 10_000;
const newest = '9'.repeat(15);
