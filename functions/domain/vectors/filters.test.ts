import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import type { JsonObject } from '../json.ts';
import { openVectors, type OpenedVectors } from '../../../tests/fixtures/open-vectors.ts';

let node: TestNode;
let vectors: OpenedVectors;
beforeAll(async () => {
  node = await openTestNode();
  vectors = openVectors(node);
  for (const collection of ['appended', 'compacted']) {
    await vectors.create(testCall(), { name: collection, dimension: 2, metric: 'cosine' });
    await vectors.put(testCall(), {
      collection,
      namespace: 'default',
      vectors: [
        { id: 'row', values: [1, 0], metadata: row },
        { id: 'bare', values: [1, 0] },
      ],
    });
  }
  expect(await vectors.compactNow({ collection: 'compacted', namespace: 'default' })).toBe('done');
});
afterAll(() => node.close());

const row: JsonObject = { lang: 'en', year: 2024, tags: ['a', 'b'], open: true, none: null, author: { name: 'Ana' } };

/** Which of the two rows a filter lets through. */
async function matches(collection: string, filter: JsonObject): Promise<readonly string[]> {
  const request = { collection, namespace: 'default', values: [1, 0], k: 10, include: [], filter };
  const { value } = await vectors.query(testCall(), request);
  return value.hits.map(({ id }) => id).toSorted();
}

// A row that was just written is judged by its metadata, one in a segment by the columns of the segment.
describe.each(['appended', 'compacted'])('rows that are %s', (collection) => {
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
  ])('%j lets the row through: %s', async (filter, expected) => {
    expect((await matches(collection, filter)).includes('row')).toBe(expected);
  });

  test('a row without metadata has no keys', async () => {
    expect(await matches(collection, { lang: 'en' })).toEqual(['row']);
    expect(await matches(collection, { lang: { $ne: 'en' } })).toEqual(['bare']);
    expect(await matches(collection, {})).toEqual(['bare', 'row']);
  });

  test('as many levels as are allowed are taken', async () => {
    expect(await matches(collection, deep(7))).toContain('row');
  });
});

const deep = (levels: number): JsonObject => (levels === 0 ? { lang: 'pt' } : { $not: deep(levels - 1) });

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
])('%s is refused with the place, everywhere', async (_what, filter) => {
  const refusal = {
    code: 'invalid_request',
    public: expect.objectContaining({ reason: 'invalid_filter', param: expect.stringMatching(/^filter/) }),
  };
  for (const collection of ['appended', 'compacted']) {
    await expect(matches(collection, filter)).rejects.toMatchObject(refusal);
  }
  const place = { collection: 'appended', namespace: 'default' };
  await expect(vectors.count(testCall(), { ...place, filter })).rejects.toMatchObject(refusal);
  await expect(vectors.delete(testCall(), { ...place, filter })).rejects.toMatchObject(refusal);
  const nowhere = { ...place, namespace: 'never-written' };
  await expect(vectors.delete(testCall(), { ...nowhere, filter })).rejects.toMatchObject(refusal);
});
