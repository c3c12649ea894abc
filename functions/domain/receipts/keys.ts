import type { Key } from '../ports/table.ts';

/** One shard until there is a sealer: entries stand in the order in which they were appended. */
export const pendingPartition = 'ledger#pending#0';

/** Milliseconds have 13 digits until the year 2286; 15 keep text order and time order the same for longer. */
export function pendingKey(milliseconds: number, id: string): Key {
  return { pk: pendingPartition, sk: `${String(milliseconds).padStart(15, '0')}#${id}` };
}

/** The milliseconds of a pending entry's `sk`. */
export function pendingMilliseconds(sk: string): number {
  return Number(sk.slice(0, 15));
}

/** Where the entry with this id lies. */
export function indexKey(id: string): Key {
  return { pk: `ledger#index#${id}`, sk: '-' };
}
