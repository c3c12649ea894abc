import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import type { Embedded } from '../embeddings/embeddings.ts';
import type { SignetError } from '../errors.ts';
import type { JsonObject } from '../json.ts';
import type { VectorsFacts } from './make-vectors.ts';
import { openVectors } from '../../../tests/fixtures/open-vectors.ts';
import { vectorsTools } from './vectors-tools.ts';
import type { QueryRequest, VectorInput, Vectors } from './vectors.ts';

let node: TestNode;
let vectors: Vectors;
let names = 0;
let collection: string;
beforeAll(async () => {
  node = await openTestNode();
  vectors = open();
});
beforeEach(async () => {
  names += 1;
  collection = `c${names}`;
  await vectors.create(testCall(), { name: collection, dimension: 3, metric: 'cosine', stored_rows: 'f32' });
});
afterAll(() => node.close());

/** Texts become vectors of their first three letters: enough to tell them apart. */
let model_digest = 'd'.repeat(64);
const embeddings: VectorsFacts['embeddings'] = {
  async vectorsOf({ texts }): Promise<Embedded> {
    return {
      model: 'letters',
      model_digest,
      precision: 'fp32',
      dimension: 3,
      vectors: texts.map((text) => Float32Array.from([1, 2, 3], (_, index) => text.charCodeAt(index) || 1)),
      tokens: texts.map(() => 3),
      truncated: texts.flatMap((text, index) => (text.length > 20 ? [index] : [])),
      served_by: 'test',
    };
  },
};

function open(more: Partial<VectorsFacts> = {}): Vectors {
  return openVectors(node, { embeddings, ...more });
}

const namespace = 'default';
const put = (rows: readonly VectorInput[], by = vectors) =>
  by.put(testCall(), { collection, namespace, vectors: rows }).then(({ value }) => value);
const query = (request: Partial<QueryRequest>, by = vectors) =>
  by.query(testCall(), { collection, namespace, k: 10, include: [], ...request }).then(({ value }) => value);

test('what was put is found at once, closest first, with score and distance', async () => {
  const written = await put([
    { id: 'x', values: [1, 0, 0], metadata: { n: 1 }, content: 'ex' },
    { id: 'y', values: [0, 1, 0] },
    { id: 'xy', values: [1, 1, 0] },
  ]);
  expect(written).toEqual({ seq: 3, upserted: 3, ids: ['x', 'y', 'xy'], truncated: [] });
  const found = await query({ values: [1, 0, 0], include: ['metadata', 'content', 'values'] });
  expect(found.hits.map((hit) => hit.id)).toEqual(['x', 'xy', 'y']);
  expect(found.hits[0]).toEqual({
    id: 'x',
    score: 1,
    distance: 0,
    metadata: { n: 1 },
    content: 'ex',
    values: [1, 0, 0],
  });
  expect(found.hits[1]?.score).toBeCloseTo(Math.SQRT1_2, 6);
  expect(found.hits[1]?.distance).toBeCloseTo(1 - Math.SQRT1_2, 6);
  expect(found).toMatchObject({ score_kind: 'cosine', seq: 3, generation: 0 });
  expect(found.snapshot).toMatch(/^[0-9a-f]{64}$/);
});

test('the newest write of an id wins, in memory and after a fresh load', async () => {
  await put([
    { id: 'a', values: [1, 0, 0] },
    { id: 'b', values: [1, 0, 0] },
  ]);
  await put([{ id: 'a', values: [0, 1, 0], content: 'second' }]);
  await put([
    { id: 'c', values: [0, 0, 1] },
    { id: 'c', values: [0, 1, 1], content: 'later in the same request' },
  ]);
  for (const by of [vectors, open()]) {
    const found = await query({ values: [0, 1, 0], include: ['content'] }, by);
    expect(found.hits.map((hit) => [hit.id, hit.content])).toEqual([
      ['a', 'second'],
      ['c', 'later in the same request'],
      ['b', undefined],
    ]);
  }
  expect(await vectors.describe(testCall(), collection)).toMatchObject({ rows: 3, seq: 5 });
});

test('a deleted id is gone, one that is not there is no error, and what is written after comes back', async () => {
  await put([
    { id: 'a', values: [1, 0, 0] },
    { id: 'b', values: [0, 1, 0] },
  ]);
  const deleted = await vectors.delete(testCall(), { collection, namespace, ids: ['a', 'zz'] });
  expect(deleted.value).toEqual({ seq: 3, deleted: 1 });
  for (const by of [vectors, open()]) {
    expect((await query({ values: [1, 0, 0] }, by)).hits.map((hit) => hit.id)).toEqual(['b']);
    expect(await by.get(testCall(), { collection, namespace, ids: ['a', 'b'], include: ['values'] })).toEqual({
      found: [{ id: 'b', values: [0, 1, 0] }],
      missing: ['a'],
    });
  }
  expect(await vectors.delete(testCall(), { collection, namespace, ids: ['a'] })).toMatchObject({
    value: { deleted: 0 },
  });
  await put([{ id: 'a', values: [1, 0, 0] }]);
  expect((await query({ values: [1, 0, 0] })).hits.map((hit) => hit.id)).toEqual(['a', 'b']);
});

test('delete by filter takes what matches and nothing else', async () => {
  await put(
    Array.from({ length: 150 }, (_, n) => ({ id: `r${n}`, values: [1, n, 0], metadata: { even: n % 2 === 0 } })),
  );
  const { value } = await vectors.delete(testCall(), { collection, namespace, filter: { even: true } });
  expect(value.deleted).toBe(75);
  const found = await query({ values: [1, 0, 0], k: 200 }, open());
  expect(found.hits.every((hit) => Number(hit.id.slice(1)) % 2 === 1)).toBe(true);
  expect(found.hits).toHaveLength(75);
});

test('delete by filter takes what matches also behind deletes of the same turn that change nothing', async () => {
  await put([
    { id: 'a', values: [1, 0, 0], metadata: { of: 1 } },
    { id: 'b', values: [1, 0, 0], metadata: { of: 2 } },
  ]);
  const asked = [{ ids: ['z'] }, { filter: { of: 3 } }, { filter: { of: 1 } }, { filter: { of: 2 } }];
  const answered = await Promise.all(asked.map((one) => vectors.delete(testCall(), { collection, namespace, ...one })));
  expect(answered.map(({ value }) => value.deleted)).toEqual([0, 0, 1, 1]);
  expect(await vectors.count(testCall(), { collection, namespace })).toMatchObject({ count: 0 });
});

test('namespaces and tenants do not see each other', async () => {
  await put([{ id: 'mine', values: [1, 0, 0] }]);
  await vectors.put(testCall(), { collection, namespace: 'other', vectors: [{ id: 'o', values: [1, 0, 0] }] });
  const elsewhere = await query({ values: [1, 0, 0], namespace: 'other' });
  expect(elsewhere.hits.map((hit) => hit.id)).toEqual(['o']);
  expect((await query({ values: [1, 0, 0], namespace: 'empty' })).hits).toEqual([]);
  const stranger = testCall({ tenant: 'acme' });
  await expect(
    vectors.query(stranger, { collection, namespace, k: 1, include: [], values: [1, 0, 0] }),
  ).rejects.toMatchObject({ code: 'collection_not_found' });
  expect((await vectors.list(stranger, { limit: 10 })).collections).toEqual([]);
});

test('texts are embedded by the model of the collection', async () => {
  await vectors.create(testCall(), { name: `${collection}-text`, model: 'any alias', metric: 'cosine' });
  const described = await vectors.describe(testCall(), `${collection}-text`);
  expect(described).toMatchObject({ model: 'letters', model_digest, dimension: 3 });
  const { value } = await vectors.put(testCall(), {
    collection: `${collection}-text`,
    namespace,
    vectors: [{ id: 'v', values: [1, 1, 1] }, { text: 'zaa and much more than twenty letters' }, { text: 'azz' }],
  });
  expect(value.truncated).toEqual([1]);
  const found = await vectors.query(testCall(), {
    collection: `${collection}-text`,
    namespace,
    k: 1,
    include: [],
    text: 'azz',
  });
  expect(found.value.hits).toMatchObject([{ id: value.ids[2] }]);

  model_digest = 'e'.repeat(64);
  const again = { collection: `${collection}-text`, namespace, k: 1, include: [], text: 'azz' };
  await expect(vectors.query(testCall(), again)).rejects.toMatchObject({ code: 'model_mismatch', status: 409 });
  model_digest = 'd'.repeat(64);
});

test('a query by id finds the neighbours of a stored row', async () => {
  await put([
    { id: 'a', values: [1, 0, 0] },
    { id: 'b', values: [1, 0.1, 0] },
  ]);
  expect((await query({ id: 'b', k: 2 })).hits.map((hit) => hit.id)).toEqual(['b', 'a']);
  await expect(query({ id: 'none' })).rejects.toMatchObject({ code: 'vector_not_found' });
});

test('min_score and filter leave out what does not reach or match', async () => {
  await put([
    { id: 'a', values: [1, 0, 0], metadata: { lang: 'en' } },
    { id: 'b', values: [0.9, 0.1, 0], metadata: { lang: 'pt' } },
    { id: 'c', values: [0, 1, 0], metadata: { lang: 'pt' } },
  ]);
  expect((await query({ values: [1, 0, 0], min_score: 0.5 })).hits).toHaveLength(2);
  const filtered = await query({ values: [1, 0, 0], filter: { lang: 'pt' } });
  expect(filtered.hits.map((hit) => hit.id)).toEqual(['b', 'c']);
  expect((await query({ values: [1, 0, 0], filter: { lang: 'fr' } })).hits).toEqual([]);
});

test('a dropped collection is gone, and a new one of its name is empty', async () => {
  await put([{ id: 'a', values: [1, 0, 0] }]);
  const before = await query({ values: [1, 0, 0] });
  await vectors.drop(testCall(), collection);
  await expect(query({ values: [1, 0, 0] })).rejects.toMatchObject({ code: 'collection_not_found' });
  await expect(put([{ id: 'a', values: [1, 0, 0] }])).rejects.toMatchObject({ code: 'collection_not_found' });
  await expect(vectors.drop(testCall(), collection)).rejects.toMatchObject({ code: 'collection_not_found' });
  await vectors.create(testCall(), { name: collection, dimension: 3, metric: 'cosine' });
  const after = await query({ values: [1, 0, 0] });
  expect(after.hits).toEqual([]);
  expect(after.snapshot).not.toBe(before.snapshot);
});

test('collections are listed by prefix, page by page', async () => {
  for (const name of ['list-a', 'list-b', 'list-c']) {
    await vectors.create(testCall(), { name, dimension: 2, metric: 'euclidean' });
  }
  const first = await vectors.list(testCall(), { prefix: 'list-', limit: 2 });
  expect(first.collections.map((found) => found.name)).toEqual(['list-a', 'list-b']);
  const cursor = first.cursor ?? '';
  const second = await vectors.list(testCall(), { prefix: 'list-', limit: 2, cursor });
  expect(second.collections.map((found) => found.name)).toEqual(['list-c']);
  await expect(vectors.list(testCall(), { prefix: 'other-', limit: 2, cursor })).rejects.toMatchObject({
    code: 'invalid_request',
  });
});

test('writes of the same turn share transactions', async () => {
  let transactions = 0;
  const counting = open({
    table: {
      ...node.table,
      transact(operations, now) {
        transactions += 1;
        return node.table.transact(operations, now);
      },
    },
  });
  const all = Array.from({ length: 50 }, (_, n) => put([{ id: `w${n}`, values: [1, n, 0] }], counting));
  expect((await Promise.all(all)).map((written) => written.upserted)).toEqual(Array(50).fill(1));
  // One makes the namespace, one or two carry the rows.
  expect(transactions).toBeLessThanOrEqual(3);
});

test('20 writers that know nothing of each other lose nothing', async () => {
  const writers = Array.from({ length: 20 }, () => open());
  await Promise.all(
    writers.map(async (writer, w) => {
      for (let n = 0; n < 5; n += 1)
        await put(
          [
            { id: `w${w}-${n}`, values: [1, w, n] },
            { id: `own${w}`, values: [n + 1, 0, 0] },
          ],
          writer,
        );
    }),
  );
  const reader = open();
  const found = await query({ values: [1, 1, 1], k: 500 }, reader);
  expect(found.hits).toHaveLength(120);
  expect(found.seq).toBe(200);
  expect(await reader.describe(testCall(), collection)).toMatchObject({ rows: 120, seq: 200 });
  for (const writer of writers) expect((await query({ values: [1, 1, 1], k: 500 }, writer)).hits).toEqual(found.hits);
}, 30_000);

test('a writer that is always too late gives up with write_conflict and says how far it came', async () => {
  let clock = node.now();
  let refusals = 0;
  const losing = open({
    now: () => clock,
    pause: async (milliseconds) => {
      clock += Math.max(milliseconds, 50);
    },
    table: {
      ...node.table,
      async transact(operations, now) {
        const [head] = operations;
        if (head?.kind !== 'update' || refusals < 0) return node.table.transact(operations, now);
        refusals += 1;
        if (refusals === 1) return node.table.transact(operations, now);
        return { kind: 'refused', operation: 0, condition: { kind: 'exists' }, current: undefined };
      },
    },
  });
  const rows = Array.from({ length: 150 }, (_, n) => ({ id: `r${n}`, values: [1, n, 0] }));
  const error = await put(rows, losing).then(
    () => undefined,
    (thrown: SignetError) => thrown,
  );
  expect(error).toMatchObject({ code: 'write_conflict', status: 429, public: { retry_after_s: 1 } });
  expect(error?.public.detail).toContain('99 of 150');
  expect(error?.receipt).toBeDefined();
  refusals = -1;
  expect(await put(rows, losing)).toMatchObject({ upserted: 150 });
  expect((await query({ values: [1, 0, 0], k: 500 })).hits).toHaveLength(150);
});

test('one request that fails does not take the others of its turn with it', async () => {
  const results = await Promise.allSettled([
    put([{ id: 'good', values: [1, 0, 0] }]),
    put([{ id: 'bad', values: [1, 0] }]),
    put([{ id: 'fine', values: [0, 1, 0] }]),
  ]);
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
});

test.each<[string, VectorInput, string]>([
  ['too few values', { values: [1, 2] }, 'dimension_mismatch'],
  ['NaN', { values: [1, NaN, 0] }, 'non_finite'],
  ['infinity', { values: [1, Infinity, 0] }, 'non_finite'],
  ['a number beyond f32', { values: [1e39, 0, 0] }, 'non_finite'],
  ['zero under cosine', { values: [0, 0, 0] }, 'zero_vector'],
  ['what is zero in f32', { values: [1e-38, 0, 0] }, 'zero_vector'],
  ['no values and no text', {}, 'vector'],
  ['values and text', { values: [1, 0, 0], text: 'x' }, 'vector'],
  ['text without a model', { text: 'x' }, 'no_model'],
  ['an empty id', { id: '', values: [1, 0, 0] }, 'id'],
  ['a long id', { id: 'é'.repeat(257), values: [1, 0, 0] }, 'id'],
  ['much metadata', { values: [1, 0, 0], metadata: { a: 'x'.repeat(65_536) } }, 'metadata'],
  ['much content', { values: [1, 0, 0], content: 'x'.repeat(65_537) }, 'content'],
])('%s is refused and nothing is written', async (_what, vector, reason) => {
  const refused = put([{ id: 'first', values: [1, 0, 0] }, vector]);
  await expect(refused).rejects.toMatchObject({ code: 'invalid_request', status: 400, public: { reason } });
  expect((await query({ values: [1, 0, 0] })).hits).toEqual([]);
});

test.each<[string, () => Promise<unknown>, JsonObject]>([
  [
    'a name outside a-z',
    () => vectors.create(testCall(), { name: 'A#b', dimension: 3, metric: 'cosine' }),
    { code: 'invalid_request' },
  ],
  [
    'no dimension and no model',
    () => vectors.create(testCall(), { name: 'n', metric: 'cosine' }),
    { code: 'invalid_request' },
  ],
  [
    'dimension 0',
    () => vectors.create(testCall(), { name: 'n', dimension: 0, metric: 'cosine' }),
    { code: 'invalid_request' },
  ],
  [
    'dimension 4,097',
    () => vectors.create(testCall(), { name: 'n', dimension: 4097, metric: 'cosine' }),
    { code: 'invalid_request' },
  ],
  [
    "a dimension that is not the model's",
    () => vectors.create(testCall(), { name: 'n', dimension: 4, model: 'm', metric: 'cosine' }),
    { code: 'invalid_request' },
  ],
  [
    'a name that is taken',
    () => vectors.create(testCall(), { name: collection, dimension: 3, metric: 'cosine' }),
    { code: 'collection_exists' },
  ],
  ['a namespace outside a-z', () => query({ values: [1, 0, 0], namespace: '../x' }), { code: 'invalid_request' }],
  ['k 0', () => query({ values: [1, 0, 0], k: 0 }), { code: 'invalid_request' }],
  ['k 10,001', () => query({ values: [1, 0, 0], k: 10_001 }), { code: 'invalid_request' }],
  ['k 1.5', () => query({ values: [1, 0, 0], k: 1.5 }), { code: 'invalid_request' }],
  ['a zero query', () => query({ values: [0, 0, 0] }), { code: 'invalid_request' }],
  ['nothing to look for', () => query({}), { code: 'invalid_request' }],
  ['two things to look for', () => query({ values: [1, 0, 0], id: 'a' }), { code: 'invalid_request' }],
  ['text without a model', () => query({ text: 'x' }), { code: 'invalid_request' }],
  ['a filter that is none', () => query({ values: [1, 0, 0], filter: { $x: 1 } }), { code: 'invalid_request' }],
  ['no rows', () => put([]), { code: 'invalid_request' }],
  ['501 rows', () => put(Array.from({ length: 501 }, () => ({ values: [1, 0, 0] }))), { code: 'invalid_request' }],
  [
    '101 ids to get',
    () => vectors.get(testCall(), { collection, namespace, ids: Array(101).fill('a'), include: [] }),
    { code: 'invalid_request' },
  ],
  [
    'ids and filter to delete',
    () => vectors.delete(testCall(), { collection, namespace, ids: ['a'], filter: {} }),
    { code: 'invalid_request' },
  ],
  ['neither to delete', () => vectors.delete(testCall(), { collection, namespace }), { code: 'invalid_request' }],
  ['an unknown collection', () => vectors.describe(testCall(), 'nowhere'), { code: 'collection_not_found' }],
  [
    'a collection no name could have',
    () => vectors.describe(testCall(), 'a#b\u0000'),
    { code: 'collection_not_found' },
  ],
])('%s is refused', async (_what, act, expected) => {
  await expect(act()).rejects.toMatchObject(expected);
});

test('a key without the scope reads and writes nothing', async () => {
  const denied = { ...node.judge, permits: () => false };
  const closed = open({ judge: denied });
  await expect(closed.describe(testCall(), collection)).rejects.toMatchObject({ code: 'policy_denied' });
  await expect(closed.list(testCall(), { limit: 1 })).rejects.toMatchObject({ code: 'policy_denied' });
  await expect(closed.get(testCall(), { collection, namespace, ids: ['a'], include: [] })).rejects.toMatchObject({
    code: 'policy_denied',
  });
});

test('rows beyond the memory that is allowed are read again, and the answers stay the same', async () => {
  const small = open({ memory_bytes_max: 1 });
  for (const name of ['n1', 'n2', 'n3']) {
    await small.put(testCall(), { collection, namespace: name, vectors: [{ id: name, values: [1, 0, 0] }] });
  }
  for (const name of ['n1', 'n2', 'n3', 'n1']) {
    expect((await query({ values: [1, 0, 0], namespace: name }, small)).hits).toMatchObject([{ id: name }]);
  }
});

test('the built-in tool answers hits with their texts', async () => {
  await vectors.create(testCall(), { name: `${collection}-tool`, model: 'letters', metric: 'cosine' });
  await vectors.put(testCall(), {
    collection: `${collection}-tool`,
    namespace,
    vectors: [
      { id: 'a', text: 'abc', content: 'abc', metadata: { n: 1 } },
      { id: 'z', text: 'zzz' },
    ],
  });
  const tool = vectorsTools(vectors).get('vectors.query');
  const answer = await tool?.run(testCall(), { collection: `${collection}-tool`, text: 'abc', k: 1 });
  expect(answer).toEqual({ hits: [{ id: 'a', score: expect.any(Number), metadata: { n: 1 }, content: 'abc' }] });
});
