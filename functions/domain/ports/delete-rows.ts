import { splitTransactions } from './split-transactions.ts';
import type { Key, Table } from './table.ts';

/** `bytes` of the JSON that goes: some tables count what they delete. */
export interface KeyedBytes {
  readonly key: Key;
  readonly bytes: number;
}

/** Deletes rows in order, many a transaction; whoever dies between two has deleted the first ones. */
export async function deleteRows(table: Table, rows: readonly KeyedBytes[], now: () => number): Promise<void> {
  for (const transaction of splitTransactions(rows, ({ bytes }) => bytes)) {
    await table.transact(
      transaction.map(({ key }) => ({ kind: 'delete' as const, key })),
      now(),
    );
  }
}
