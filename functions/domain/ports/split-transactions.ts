import limits from '@signet/shared/limits.json' with { type: 'json' };

/**
 * Divides what does not have to be written all at once into transactions, in order: each of at most as many operations
 * and bytes as a table takes.
 * @param bytes of one item's JSON; of a deletion, those of what is deleted: some tables count them as well
 */
export function splitTransactions<T>(items: readonly T[], bytes: (item: T) => number): readonly (readonly T[])[] {
  const { transaction_operations_max, transaction_bytes_max } = limits.table;
  const transactions: T[][] = [];
  let filled = Infinity;
  for (const item of items) {
    const more = bytes(item) + around_bytes;
    const last = transactions.at(-1);
    if (last === undefined || last.length >= transaction_operations_max || filled + more > transaction_bytes_max) {
      transactions.push([item]);
      filled = more;
    } else {
      last.push(item);
      filled += more;
    }
  }
  return transactions;
}

/** Keys, and what a table keeps of its own beside an item. */
const around_bytes = 2_304;
