import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import type { ViewAnswer } from '../ports/segment-compute.ts';
import { openVectors } from '../../../tests/fixtures/open-vectors.ts';

let node: TestNode;
beforeAll(async () => {
  node = await openTestNode();
});
afterAll(() => node.close());

const namespace = 'default';
const ask = { namespace, values: [1, 0], k: 4, include: [], exact: false };

test('a query that need not be exact is asked again exactly, and the share that it found is kept', async () => {
  // A search that misses the best hit whenever it may.
  const { segments } = node.compute;
  const worse = {
    ...segments,
    async search(...[view, query]: Parameters<typeof segments.search>): Promise<ViewAnswer> {
      const answer = await segments.search(view, query);
      return query.exact === true ? answer : { ...answer, hits: answer.hits.slice(1) };
    },
  };
  const vectors = openVectors(node, { segments: () => worse });
  const collection = 'sampled';
  await vectors.create(testCall(), { name: collection, dimension: 2, metric: 'cosine', recall_sample: 1 });
  const rows = Array.from({ length: 4 }, (_, n) => ({ id: `r${n}`, values: [4, n] }));
  await vectors.put(testCall(), { collection, namespace, vectors: rows });

  expect((await vectors.stats(testCall(), collection)).namespaces[0]?.measured_recall).toBeUndefined();
  for (let n = 0; n < 3; n += 1) await vectors.query(testCall(), { ...ask, collection });
  expect(await vectors.advanceWoken()).toBe('done');
  expect((await vectors.stats(testCall(), collection)).namespaces[0]?.measured_recall).toEqual({
    n: 3,
    mean: 0.75,
    p5: 0.75,
  });
});

test('exact answers, words and collections without a share are not asked again', async () => {
  const vectors = openVectors(node);
  for (const [collection, recall_sample] of [
    ['none', 0],
    ['all', 1],
  ] as const) {
    await vectors.create(testCall(), { name: collection, dimension: 2, metric: 'cosine', text: true, recall_sample });
    await vectors.put(testCall(), { collection, namespace, vectors: [{ id: 'a', values: [1, 0], content: 'one' }] });
  }
  await vectors.query(testCall(), { ...ask, collection: 'none' });
  await vectors.query(testCall(), { ...ask, collection: 'all', exact: true });
  const words = { namespace, mode: 'lexical', text: 'one', k: 1, include: [] } as const;
  await vectors.query(testCall(), { ...words, collection: 'all' });
  expect(await vectors.advanceWoken()).toBe('nothing');
});
