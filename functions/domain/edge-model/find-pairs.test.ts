import { expect, test } from '@jest/globals';
import { findAllPairs } from './find-pairs.ts';

const valuesOf = (text: string) =>
  Object.fromEntries([...findAllPairs(text)].map(([name, { value }]) => [name, value]));

test.each([
  ['add a=2 b=3', { a: 2, b: 3 }],
  ['name: Ana Maria, age: 30', { name: 'Ana Maria', age: 30 }],
  ['city=São Paulo state=SP', { city: 'São Paulo', state: 'SP' }],
  ['a=1\nb=two words\nc=[1, 2]', { a: 1, b: 'two words', c: [1, 2] }],
  ['x=1 y==2', { x: '1 y==2' }],
  ['no pairs here', {}],
])('reads the pairs of %j', (text, expected) => {
  expect(valuesOf(text)).toEqual(expected);
});
