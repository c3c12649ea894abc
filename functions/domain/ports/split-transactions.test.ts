import { expect, test } from '@jest/globals';
import { splitTransactions } from './split-transactions.ts';

const sizes = (items: readonly number[]) => splitTransactions(items, (bytes) => bytes).map(({ length }) => length);

test('divides by number and by bytes, in order, and leaves nothing out', () => {
  expect(sizes([])).toEqual([]);
  expect(sizes(Array.from({ length: 250 }, () => 10))).toEqual([100, 100, 50]);
  expect(sizes(Array.from({ length: 25 }, () => 400_000))).toEqual([10, 10, 5]);
  expect(splitTransactions([1, 4_000_000, 2, 400_000, 3], (bytes) => bytes)).toEqual([
    [1, 4_000_000, 2],
    [400_000, 3],
  ]);
});
