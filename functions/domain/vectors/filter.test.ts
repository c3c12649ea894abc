import { expect, test } from '@jest/globals';
import type { JsonObject } from '../json.ts';
import { compileFilter } from './filter.ts';

const row: JsonObject = { lang: 'en', year: 2024, tags: ['a', 'b'], open: true, none: null, author: { name: 'Ana' } };

test.each<[JsonObject, boolean]>([
  [{}, true],
  [{ lang: 'en' }, true],
  [{ lang: 'pt' }, false],
  [{ lang: { $eq: 'en' }, year: 2024 }, true],
  [{ lang: 'en', year: 2023 }, false],
  [{ none: null }, true],
  [{ open: true }, true],
  [{ year: '2024' }, false],
  [{ tags: 'b' }, true],
  [{ tags: 'c' }, false],
  [{ tags: { $ne: 'a' } }, false],
  [{ tags: { $nin: ['c'] } }, true],
  [{ tags: { $in: ['c', 'b'] } }, true],
  [{ 'author.name': 'Ana' }, true],
  [{ 'author.name': { $startsWith: 'An' } }, true],
  [{ 'author.name.first': 'Ana' }, false],
  [{ year: { $gt: 2023, $lte: 2024 } }, true],
  [{ year: { $gte: 2024, $lt: 2024 } }, false],
  [{ year: { $gt: '2023' } }, false],
  [{ lang: { $gt: 'de' } }, true],
  [{ missing: 'x' }, false],
  [{ missing: { $ne: 'x' } }, true],
  [{ missing: { $nin: ['x'] } }, true],
  [{ missing: { $exists: false } }, true],
  [{ missing: { $exists: true } }, false],
  [{ missing: { $gt: 0 } }, false],
  [{ missing: { $in: [null] } }, false],
  [{ none: { $exists: true } }, true],
  [{ $and: [{ lang: 'en' }, { year: 2024 }] }, true],
  [{ $or: [{ lang: 'pt' }, { year: 2024 }] }, true],
  [{ $or: [{ lang: 'pt' }, { year: 2023 }] }, false],
  [{ $not: { lang: 'pt' } }, true],
  [{ $not: { missing: 'x' } }, true],
  [{ constructor: { $exists: true } }, false],
  [{ 'author.toString': { $exists: true } }, false],
])('%j lets the row through: %s', (filter, expected) => {
  expect(compileFilter(filter)(row)).toBe(expected);
});

test('a row without metadata has no keys', () => {
  expect(compileFilter({ lang: 'en' })(undefined)).toBe(false);
  expect(compileFilter({ lang: { $ne: 'en' } })(undefined)).toBe(true);
  expect(compileFilter({})(undefined)).toBe(true);
});

const deep = (levels: number): JsonObject => (levels === 0 ? { a: 1 } : { $not: deep(levels - 1) });

test.each<[string, JsonObject]>([
  ['an unknown operator', { a: { $regex: 'x' } }],
  ['an unknown connective', { $nor: [] }],
  ['an empty $and', { $and: [] }],
  ['an $or that is no list', { $or: { a: 1 } }],
  ['a filter in $and that is no object', { $and: [1] }],
  ['an empty key', { '': 1 }],
  ['an empty part of a path', { 'a..b': 1 }],
  ['an empty comparison', { a: {} }],
  ['an object as a value', { a: { $eq: { b: 1 } } }],
  ['a list as a value', { a: [1] }],
  ['a list in $in', { a: { $in: [[1]] } }],
  ['$in without a list', { a: { $in: 1 } }],
  ['too many values', { a: { $in: Array.from({ length: 1001 }, (_, index) => index) } }],
  ['$exists without true or false', { a: { $exists: 1 } }],
  ['$startsWith without a text', { a: { $startsWith: 1 } }],
  ['$gt with true', { a: { $gt: true } }],
  ['too many levels', deep(8)],
  ['too many conditions', { $and: Array.from({ length: 101 }, () => ({ a: 1 })) }],
])('%s is refused with the place', (_what, filter) => {
  expect(() => compileFilter(filter)).toThrow(
    expect.objectContaining({
      code: 'invalid_request',
      public: expect.objectContaining({ reason: 'invalid_filter', param: expect.stringMatching(/^filter/) }),
    }),
  );
});

test('as many levels as are allowed are taken', () => {
  expect(compileFilter(deep(7))(row)).toBe(true);
});
