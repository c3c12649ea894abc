import { expect, test } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { mapInParallel, splitByWeight } from './split-by-weight.ts';

const weight = (item: number) => item;

test('groups are consecutive and as full as they may be', () => {
  expect(splitByWeight([1, 2, 3, 4, 5], { weight, weight_max: 5 })).toEqual([[1, 2], [3], [4], [5]]);
  expect(splitByWeight([1, 9, 1, 1], { weight, weight_max: 5 })).toEqual([[1], [9], [1, 1]]);
  expect(splitByWeight([1, 1, 1], { weight, weight_max: 5, count_max: 2 })).toEqual([[1, 1], [1]]);
  expect(splitByWeight([], { weight, weight_max: 5 })).toEqual([]);
});

test('work goes on at most eight at once, its results in order', async () => {
  let [running, most] = [0, 0];
  const results = await mapInParallel(
    Array.from({ length: 30 }, (_, index) => index),
    async (item) => {
      running += 1;
      most = Math.max(most, running);
      await nextTurn();
      running -= 1;
      return item * 2;
    },
  );
  expect(results).toEqual(Array.from({ length: 30 }, (_, index) => index * 2));
  expect(most).toBe(8);
});

test('a failure ends it, and nothing more is begun', async () => {
  const begun: number[] = [];
  const work = mapInParallel(
    Array.from({ length: 30 }, (_, index) => index),
    async (item) => {
      begun.push(item);
      await nextTurn();
      if (item === 3) throw new Error('three');
    },
  );
  await expect(work).rejects.toThrow('three');
  await nextTurn();
  await nextTurn();
  expect(begun.length).toBeLessThan(20);
});
