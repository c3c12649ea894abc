import { expect, test } from '@jest/globals';
import { BoundedMap } from './bounded-map.ts';

test('never holds more than it may, whatever is put in', () => {
  const map = new BoundedMap<number, string>(3);
  const sizes = Array.from({ length: 100 }, (_, key) => map.set(key, 'x').size);
  expect(Math.max(...sizes)).toBe(3);
  expect([...map.keys()]).toEqual([97, 98, 99]);
});

test('a key that is there takes nobody else with it and keeps its place, unless it is deleted first', () => {
  const map = new BoundedMap<string, number>(2).set('a', 1).set('b', 2).set('a', 3);
  expect([...map]).toEqual([
    ['a', 3],
    ['b', 2],
  ]);
  map.delete('a');
  expect([...map.set('a', 4).set('c', 5).keys()]).toEqual(['a', 'c']);
});
