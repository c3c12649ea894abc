import type { Key } from '../ports/table.ts';

/** One machine writes to the first shard alone: entries stand in the order in which they were appended. */
export const pendingPartition = 'ledger#pending#0';

/** Every shard that entries may wait in. */
export const pendingPartitions: readonly string[] = Array.from({ length: 8 }, (_, shard) => `ledger#pending#${shard}`);

/** Milliseconds have 13 digits until the year 2286; 15 keep text order and time order the same for longer. */
export function pendingKey(milliseconds: number, id: string, shard = 0): Key {
  return { pk: pendingPartitions[shard] ?? pendingPartition, sk: `${String(milliseconds).padStart(15, '0')}#${id}` };
}

/** Which of `shards` an entry waits in; by its id, so that many writers spread evenly. */
export function pendingShard(id: string, shards: number): number {
  return Number.parseInt(id.slice(-2), 16) % shards;
}

/** The milliseconds of a pending entry's `sk`. */
export function pendingMilliseconds(sk: string): number {
  return Number(sk.slice(0, 15));
}

/** The id of a pending entry, by its `sk`. */
export function pendingId(sk: string): string {
  return sk.slice(16);
}

/** Where the entry with this id lies: `{at, shard?}` among the pending ones, or `{index}` in the log. */
export function indexKey(id: string): Key {
  return { pk: `ledger#index#${id}`, sk: '-' };
}
