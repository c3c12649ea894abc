import { expect, test } from '@jest/globals';
import { vectorCache } from './vector-cache.ts';

const entry = (size: number) => ({ vector: new Float32Array(size), tokens: 1, is_truncated: false });

test('the least recently used leaves when there are too many', () => {
  const cache = vectorCache({ now: () => 0, entries_max: 2 });
  cache.set(['a'], entry(1));
  cache.set(['b'], entry(1));
  expect(cache.get(['a'])).toBeDefined();
  cache.set(['c'], entry(1));
  expect(cache.get(['b'])).toBeUndefined();
  expect(cache.get(['a'])).toBeDefined();
});

test('the least recently used leaves when they are too large together', () => {
  const cache = vectorCache({ now: () => 0, bytes_max: 10_000 });
  cache.set(['a'], entry(1000));
  cache.set(['b'], entry(1000));
  cache.set(['b'], entry(1000));
  expect(cache.get(['a'])).toBeDefined();
  cache.set(['c'], entry(1000));
  expect(cache.get(['b'])).toBeUndefined();
  expect(cache.get(['a'])).toBeDefined();
});

test('parts of a key do not run together', () => {
  const cache = vectorCache({ now: () => 0 });
  cache.set(['ab', 'c'], entry(1));
  expect(cache.get(['a', 'bc'])).toBeUndefined();
});
