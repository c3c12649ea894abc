import { expect, test } from '@jest/globals';
import { tokenBuckets } from './rate-limit.ts';

test('admits a burst, then as many as flow in, each name for itself', () => {
  const buckets = tokenBuckets({ per_s: 10, burst: 3 });
  const admitted = (name: string, now: number) => buckets.take(name, now).admitted;
  expect([1, 2, 3, 4].map(() => admitted('a', 0))).toEqual([true, true, true, false]);
  expect(admitted('b', 0)).toBe(true);
  expect(admitted('a', 99)).toBe(false);
  expect(admitted('a', 100)).toBe(true);
  expect(admitted('a', 100)).toBe(false);
  expect([1, 2, 3, 4].map(() => admitted('a', 60_000))).toEqual([true, true, true, false]);
});

test('says what is left and how long to wait', () => {
  const buckets = tokenBuckets({ per_s: 10, burst: 2 });
  expect(buckets.take('a', 0)).toEqual({ admitted: true, remaining: 1, wait_s: 0.1 });
  expect(buckets.take('a', 0)).toEqual({ admitted: true, remaining: 0, wait_s: 0.2 });
  expect(buckets.take('a', 50)).toEqual({ admitted: false, remaining: 0, wait_s: 0.05 });
});

test('a clock that goes back takes nothing away', () => {
  const buckets = tokenBuckets({ per_s: 1, burst: 2 });
  buckets.take('a', 10_000);
  expect(buckets.take('a', 0).admitted).toBe(true);
  expect(buckets.take('a', 0).admitted).toBe(false);
});

test('many names cost a bounded memory, and a busy one is not forgotten while idle ones are', () => {
  const buckets = tokenBuckets({ per_s: 1, burst: 1, buckets_max: 10 });
  buckets.take('busy', 0);
  for (let count = 0; count < 5; count += 1) buckets.take(`early${count}`, 0);
  buckets.take('busy', 1_000);
  for (let count = 0; count < 8; count += 1) buckets.take(`late${count}`, 1_000);
  expect(buckets.take('busy', 1_500).admitted).toBe(false);
});
