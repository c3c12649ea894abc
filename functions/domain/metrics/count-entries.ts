import type { Now } from '../call.ts';
import { allRows } from '../ports/all-rows.ts';
import type { Item, Key, Table } from '../ports/table.ts';
import { pendingKey, pendingPartitions } from '../receipts/keys.ts';
import { addToTally, sumOf, type Tally } from './tally.ts';

/** All entries of the log, whichever process stored them: what they say together, and how many they are. */
export interface CountedEntries {
  readonly tally: Tally;
  readonly entries: number;
}

/**
 * Counts the entries of a log that nobody seals. What is older than some seconds is read once: its sum is a row of the
 * store, so that a fresh instance goes on from there. What is newer is read each time, since other processes may still be
 * writing between two entries.
 */
export function countEntries({ table, now }: { table: Table; now: Now }): () => Promise<CountedEntries> {
  let settled: Settled | undefined;

  async function countRange(from: string, to: string): Promise<CountedEntries> {
    const shards = await Promise.all(pendingPartitions.map((pk) => countShard(pk, from, to)));
    return shards.reduce(together);
  }

  async function countShard(pk: string, from: string, to: string): Promise<CountedEntries> {
    let tally: Tally = {};
    let entries = 0;
    for await (const { item } of allRows(table, { pk, from, to, limit: 500 }, now)) {
      if (typeof item['entry'] === 'string') tally = addToTally(tally, item['entry']);
      entries += 1;
    }
    return { tally, entries };
  }

  return async () => {
    settled ??= readSettled(await table.get(settledKey, now()));
    const known = settled;
    const from = known.to;
    // No entry has the empty id: each is on one side.
    const horizon = pendingKey(Math.max(0, now() - settling_ms), '').sk;
    if (horizon <= from) return together(known, await countRange(from, newest));
    const [older, newer] = await Promise.all([countRange(from, horizon), countRange(horizon, newest)]);
    const before = together(known, older);
    // Another call that ran beside this one may have come further.
    if (settled.to < horizon) {
      settled = { to: horizon, ...before };
      if (older.entries > 0) await keepSettled(table, settled, now());
    }
    return together(before, newer);
  };
}

/** The sum of all entries before `to`. */
interface Settled extends CountedEntries {
  readonly to: string;
}

function together(a: CountedEntries, b: CountedEntries): CountedEntries {
  return { tally: sumOf(a.tally, b.tally), entries: a.entries + b.entries };
}

const settledKey: Key = { pk: 'metrics', sk: 'settled' };

function readSettled(item: Item | undefined): Settled {
  const { to, tally, entries } = item ?? {};
  const isKept = typeof to === 'string' && typeof tally === 'object' && tally !== null && typeof entries === 'number';
  return isKept ? { to, tally: tally as Tally, entries } : { to: pendingKey(0, '').sk, tally: {}, entries: 0 };
}

/** Whichever instance came furthest is kept: all of them sum the same entries, so losing to another loses nothing. */
async function keepSettled(table: Table, { to, tally, entries }: Settled, now: number): Promise<void> {
  const at = Number(to.slice(0, 15));
  const item = { to, tally, entries, at };
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
