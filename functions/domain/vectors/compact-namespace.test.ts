import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { dueShard } from '../jobs/keys.ts';
import type { Objects } from '../ports/objects.ts';
import type { Table } from '../ports/table.ts';
import { collectionKey, partition } from './keys.ts';
import { openVectors, type OpenedVectors } from '../../../tests/fixtures/open-vectors.ts';
import type { NewCollection, QueryRequest, VectorInput } from './vectors.ts';

let node: TestNode;
let vectors: OpenedVectors;
let names = 0;
let collection: string;
const namespace = 'default';
beforeAll(async () => {
  node = await openTestNode();
});
beforeEach(async () => {
  names += 1;
  collection = `c${names}`;
  vectors = openVectors(node);
  await create();
});
afterAll(() => node.close());

const create = (more: Partial<NewCollection> = {}) =>
  vectors.create(testCall(), { name: collection, dimension: 3, metric: 'cosine', stored_rows: 'f32', ...more });
const place = () => ({ collection, namespace });
const put = (rows: readonly VectorInput[], by = vectors) =>
  by.put(testCall(), { ...place(), vectors: rows }).then(({ value }) => value);
const query = (request: Partial<QueryRequest> = {}, by = vectors) =>
  by
    .query(testCall(), { ...place(), values: [1, 0, 0], k: 100, include: ['metadata', 'values'], ...request })
    .then(({ value }) => value);
const stats = async (by = vectors) => (await by.stats(testCall(), collection)).namespaces[0];

async function pk(): Promise<string> {
  const item = await node.table.get(collectionKey('default', collection), node.now());
  return partition('default', item?.['id'] as string, namespace);
}
async function rowsUnder(prefix: string): Promise<readonly string[]> {
  const page = await node.table.query({ pk: await pk(), prefix, limit: 1000 }, node.now());
  return page.rows.map(({ sk }) => sk);
}
async function storedObjects(): Promise<readonly string[]> {
  const item = await node.table.get(collectionKey('default', collection), node.now());
  const prefix = `vectors/default/${item?.['id'] as string}/`;
  return (await node.objects.list({ prefix, limit: 1000 })).keys;
}

/** Ten rows, of which some are replaced and deleted: what is left has ids r3 to r9, r3 with other metadata. */
async function writeHistory(): Promise<void> {
  await put(Array.from({ length: 10 }, (_, n) => ({ id: `r${n}`, values: [10, n, 1], metadata: { n } })));
  await put([{ id: 'r3', values: [10, 3, 1], metadata: { n: 33 } }]);
  await vectors.delete(testCall(), { ...place(), ids: ['r0'] });
  await vectors.delete(testCall(), { ...place(), filter: { n: { $lte: 2 } } });
}

test('a compaction changes no answer, and leaves one segment and no delta row', async () => {
  await writeHistory();
  const before = await query();
  expect(before.hits.map(({ id }) => id)).toEqual(['r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9']);
  expect(await vectors.compactNow(place())).toBe('done');

  for (const by of [vectors, openVectors(node)]) {
    const after = await query({}, by);
    expect(after.hits).toEqual(before.hits);
    expect(after).toMatchObject({ seq: before.seq, generation: 1 });
    expect(after.snapshot).not.toBe(before.snapshot);
    expect(await stats(by)).toMatchObject({
      rows: 7,
      segments: [{ level: 1, rows: 7, dead: 0 }],
      delta: { rows: 0, bytes: 0 },
    });
  }
  expect(await rowsUnder('delta#')).toEqual([]);
  expect(await vectors.compact(testCall(), place())).toMatchObject({ value: { state: 'nothing' } });
});

test('rows of segments are replaced, patched and deleted like any other, and a segment of dead rows is written anew', async () => {
  await writeHistory();
  await vectors.compactNow(place());
  await put([{ id: 'r4', values: [-10, 4, 1] }]);
  await vectors.patch(testCall(), { ...place(), patches: [{ id: 'r5', metadata: { more: true } }] });
  await vectors.delete(testCall(), { ...place(), ids: ['r6'] });
  const ids = ['r3', 'r5', 'r7', 'r8', 'r9', 'r4'];
  const before = await query();
  expect(before.hits.map(({ id }) => id)).toEqual(ids);
  expect(before.hits[1]?.metadata).toEqual({ n: 5, more: true });

  await vectors.compactNow(place());
  expect((await query({}, openVectors(node))).hits).toEqual(before.hits);
  // Three of seven are dead: over a fifth.
  expect(await stats()).toMatchObject({
    generation: 3,
    segments: [
      { rows: 4, dead: 0 },
      { rows: 2, dead: 0 },
    ],
  });
});

test('few dead rows are told from the others by an object beside the segment', async () => {
  await put(Array.from({ length: 20 }, (_, n) => ({ id: `r${n}`, values: [10, n, 1] })));
  await vectors.compactNow(place());
  await vectors.delete(testCall(), { ...place(), ids: ['r0', 'r1'] });
  await vectors.compactNow(place());
  expect(await stats()).toMatchObject({ rows: 18, segments: [{ rows: 20, dead: 2 }], delta: { rows: 0 } });
  const reader = openVectors(node);
  expect((await query({}, reader)).hits).toHaveLength(18);
  expect(await reader.count(testCall(), place())).toEqual({ count: 18, seq: 22 });
});

test('a namespace in which everything died has no segment', async () => {
  await writeHistory();
  await vectors.delete(testCall(), { ...place(), filter: {} });
  await vectors.compactNow(place());
  expect(await stats()).toMatchObject({ rows: 0, segments: [] });
  expect((await query({}, openVectors(node))).hits).toEqual([]);
  await put([{ id: 'again', values: [1, 0, 0] }]);
  expect((await query()).hits).toHaveLength(1);
});

test('the eighth segment of a level is merged with the others', async () => {
  for (let round = 0; round < 8; round += 1) {
    await put([{ id: `r${round}`, values: [10, round, 1] }]);
    await vectors.compactNow(place());
  }
  expect((await stats())?.segments).toMatchObject([{ level: 2, rows: 8 }]);
  expect((await query({}, openVectors(node))).hits).toHaveLength(8);
});

test('whoever is killed after any step of a compaction loses nothing, and the next one completes it', async () => {
  for (let allowed = 0; ; allowed += 1) {
    names += 1;
    collection = `kill${names}`;
    await create();
    await writeHistory();
    await vectors.compactNow(place());
    await put([{ id: 'r4', values: [-10, 4, 1] }]);
    const before = await query();

    let left = allowed;
    const failing = openVectors(
      node,
      dyingAfter(() => left-- > 0),
    );
    const end = await failing.compactNow(place()).catch(() => 'died');
    left = 0;
    expect((await query({}, openVectors(node))).hits).toEqual(before.hits);
    await put([{ id: 'later', values: [0, 0, 1] }]);

    const next = openVectors(node);
    await next.compactNow(place());
    const after = await query({}, openVectors(node));
    expect(after.hits.filter(({ id }) => id !== 'later')).toEqual(before.hits);
    expect(await rowsUnder('delta#')).toEqual([]);
    expect(await stats(next)).toMatchObject({ rows: 8, delta: { rows: 0 } });
    if (end === 'done') break;
    expect(allowed).toBeLessThan(60);
  }
}, 60_000);

/** Storage of a process that dies at the first change for which `isAlive` says no. */
function dyingAfter(isAlive: () => boolean): { table: Table; objects: Objects } {
  const alive = (): void => {
    if (!isAlive()) throw new Error('killed');
  };
  return {
    table: {
      ...node.table,
      async write(operation, now) {
        alive();
        return node.table.write(operation, now);
      },
      async transact(operations, now) {
        alive();
        return node.table.transact(operations, now);
      },
    },
    objects: {
      ...node.objects,
      async put(key, body, options) {
        alive();
        return node.objects.put(key, body, options);
      },
      async delete(key) {
        alive();
        return node.objects.delete(key);
      },
    },
  };
}

test('two at once: one swaps, the other sees that it is overtaken', async () => {
  await writeHistory();
  const before = await query();
  const second = openVectors(node);
  await query({}, second);
  let interrupted = false;
  const first = openVectors(node, {
    objects: {
      ...node.objects,
      async put(key, body, options) {
        if (!interrupted) {
          interrupted = true;
          await put([{ id: 'between', values: [0, 0, 1] }], second);
          await second.compactBeside(place());
        }
        return node.objects.put(key, body, options);
      },
    },
  });
  await first.compactNow(place());
  expect(interrupted).toBe(true);
  const after = await query({}, openVectors(node));
  expect(after.hits.filter(({ id }) => id !== 'between')).toEqual(before.hits);
  expect(await stats(first)).toMatchObject({ rows: 8, delta: { rows: 0 } });
});

test('a reader whose rows were compacted away under it reads them from the segment', async () => {
  await writeHistory();
  const before = await query();
  const compactor = openVectors(node);
  let compacted = false;
  const reader = openVectors(node, {
    table: {
      ...node.table,
      async query(request, now) {
        if (!compacted && request.from?.startsWith('delta#') === true) {
          compacted = true;
          await compactor.compactNow(place());
        }
        return node.table.query(request, now);
      },
    },
  });
  expect((await query({}, reader)).hits).toEqual(before.hits);
  expect(compacted).toBe(true);
});

test('replaced objects stay for an hour and are deleted by a later compaction', async () => {
  let clock = node.now();
  const later = openVectors(node, { now: () => clock });
  await put([{ id: 'a', values: [1, 0, 0] }], later);
  await later.compactNow(place());
  const [first] = await storedObjects();
  await vectors.delete(testCall(), { ...place(), ids: ['a'] });
  await put([{ id: 'b', values: [1, 0, 0] }], later);
  await later.compactNow(place());
  expect(await storedObjects()).toContain(first);

  clock += limits.vectors.compaction.kept_ms + 1;
  await put([{ id: 'c', values: [1, 0, 0] }], later);
  await later.compactNow(place());
  expect(await storedObjects()).not.toContain(first);
  expect((await rowsUnder('manifest#')).length).toBeLessThanOrEqual(3);
  expect((await query({}, openVectors(node))).hits).toHaveLength(2);
});

test('what a killed compaction left behind is deleted a day later, unless it is in use', async () => {
  await put([{ id: 'a', values: [1, 0, 0] }]);
  let left = 2;
  await openVectors(
    node,
    dyingAfter(() => left-- > 0),
  ).compactNow(place());
  let clock = node.now();
  const later = openVectors(node, { now: () => clock });
  await put([{ id: 'b', values: [0, 1, 0] }], later);
  await later.compactNow(place());
  clock += limits.vectors.compaction.orphan_ms + 1;
  await put([{ id: 'c', values: [0, 0, 1] }], later);
  await later.compactNow(place());
  const objects = await storedObjects();
  expect(objects.length).toBe((await stats(later))?.segments.length);
  expect((await query({}, openVectors(node))).hits).toHaveLength(3);
});

test('rows wait an hour for company, many are compacted at once', async () => {
  let clock = node.now();
  const timed = openVectors(node, { now: () => clock });
  await put([{ id: 'a', values: [1, 0, 0] }], timed);
  const due = async () => {
    const pages = await Promise.all(
      Array.from({ length: limits.jobs.due_shards }, (_, shard) =>
        node.table.query({ pk: dueShard(shard), limit: 1000 }, clock),
      ),
    );
    return pages.flatMap(({ rows }) => rows).filter(({ item }) => (item['job_id'] as string).startsWith('compact-'));
  };
  expect((await due()).length).toBeGreaterThan(0);
  expect(await stats(timed)).toMatchObject({ generation: 0, delta: { rows: 1 } });
  clock += limits.vectors.compaction.delta_ms + 1;
  expect(await timed.compactNow(place())).not.toBe('dead');
});

test('too many bytes that wait to be compacted stop the writers', async () => {
  await put([{ id: 'a', values: [1, 0, 0] }]);
  const key = { pk: await pk(), sk: 'head' };
  const delta_bytes = limits.vectors.compaction.delta_bytes_max + 1;
  await node.table.write({ kind: 'update', key, set: { delta_bytes } }, node.now());
  await expect(put([{ id: 'b', values: [1, 0, 0] }])).rejects.toMatchObject({
    code: 'compaction_backlog',
    status: 429,
    public: { retry_after_s: 5 },
  });
});

test('a dropped namespace takes its rows and objects with it and leaves the others', async () => {
  await writeHistory();
  await vectors.compactNow(place());
  await vectors.put(testCall(), { collection, namespace: 'other', vectors: [{ id: 'o', values: [1, 0, 0] }] });
  await vectors.compactNow({ collection, namespace: 'other' });
  await vectors.dropNamespace(testCall(), place());
  expect((await query()).hits).toEqual([]);
  expect((await query({ namespace: 'other' })).hits).toHaveLength(1);
  expect((await storedObjects()).every((key) => key.includes('/other/'))).toBe(true);
  await put([{ id: 'new', values: [1, 0, 0] }]);
  expect((await query()).hits.map(({ id }) => id)).toEqual(['new']);
  await vectors.drop(testCall(), collection);
  expect(await storedObjects()).toEqual([]);
});

test('a namespace that is dropped again and again while it is written to and compacted keeps what was put after', async () => {
  const over = new AbortController();
  const compactor = (async () => {
    while (!over.signal.aborted) {
      await vectors.compactBeside(place());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  for (let round = 0; round < 6; round += 1) {
    const ids = Array.from({ length: 20 }, (_, n) => `${round}-${n}`);
    const writers = ids.map((id) => put([{ id, values: [10, 1, 1] }]));
    await Promise.all([...writers, vectors.dropNamespace(testCall(), place())]);
    await vectors.dropNamespace(testCall(), place());
    await Promise.all(ids.map((id) => put([{ id: `after-${id}`, values: [10, 1, 1] }])));
    const found = (await query()).hits.map(({ id }) => id);
    expect(found.toSorted()).toEqual(ids.map((id) => `after-${id}`).toSorted());
  }
  over.abort();
  await compactor;
  expect((await query({}, openVectors(node))).hits).toHaveLength(20);
});

test('words are found in rows that wait and in segments, and both lists are fused', async () => {
  names += 1;
  collection = `text${names}`;
  await create({ text: true });
  await put([
    { id: 'fox', values: [1, 0, 0], content: 'The quick brown fox.' },
    { id: 'dog', values: [0, 1, 0], content: 'The lazy dog sleeps.' },
  ]);
  await vectors.compactNow(place());
  await put([{ id: 'both', values: [0, 0, 1], content: 'A fox and a dog.' }]);
  const ask = (request: Partial<QueryRequest>) =>
    vectors.query(testCall(), { ...place(), k: 10, include: ['content'], ...request }).then(({ value }) => value);
  const lexical = await ask({ mode: 'lexical', text: 'fox' });
  expect(lexical.score_kind).toBe('bm25');
  expect(lexical.hits.map(({ id }) => id).toSorted()).toEqual(['both', 'fox']);
  const hybrid = await ask({ mode: 'hybrid', text: 'fox', values: [1, 0, 0] });
  expect(hybrid.score_kind).toBe('rrf');
  expect(hybrid.hits[0]?.id).toBe('fox');
  expect(hybrid.hits.every(({ distance }) => distance === undefined)).toBe(true);
  await expect(ask({ mode: 'hybrid', text: 'fox', values: [1, 0, 0], min_score: 0.1 })).rejects.toMatchObject({
    public: { reason: 'score_scale' },
  });
});

test('half precision is the default, and exact scores need rows', async () => {
  names += 1;
  collection = `half${names}`;
  await vectors.create(testCall(), { name: collection, dimension: 3, metric: 'dot_product' });
  expect(await vectors.describe(testCall(), collection)).toMatchObject({ stored_rows: 'f16', recall_sample: 0.01 });
  await put([{ id: 'a', values: [0.1, 0, 0] }]);
  const [hit] = (await query()).hits;
  expect(hit?.values?.[0]).toBe(Number(new Float16Array([0.1])[0]));
  await expect(put([{ id: 'b', values: [65_520, 0, 0] }])).rejects.toMatchObject({
    public: { reason: 'out_of_range' },
  });
  expect(await put([{ id: 'b', values: [65_519, 0, 0] }])).toMatchObject({ upserted: 1 });
  await expect(put([{ id: 'c', values: [1e19, 0, 0] }])).rejects.toMatchObject({ public: { reason: 'out_of_range' } });

  names += 1;
  collection = `none${names}`;
  await create({ stored_rows: 'none' });
  await put([{ id: 'a', values: [1, 0, 0] }]);
  await vectors.compactNow(place());
  expect((await query()).hits.map(({ id }) => id)).toEqual(['a']);
  await expect(query({ exact: true })).rejects.toMatchObject({ code: 'no_stored_rows', status: 409 });
  // Segments without rows are never merged: there is nothing to make another of.
  for (let round = 0; round < 8; round += 1) {
    await put([{ id: `b${round}`, values: [1, round, 0] }]);
    expect(await vectors.compactNow(place())).toBe('done');
  }
  expect((await query({}, openVectors(node))).hits).toHaveLength(9);
  const patches = [{ id: 'a', metadata: {} }];
  await expect(vectors.patch(testCall(), { ...place(), patches })).rejects.toMatchObject({ code: 'no_stored_rows' });
});

test.each<[string, (key: string) => Promise<unknown>]>([
  ['missing', (key) => node.objects.delete(key)],
  ['changed', (key) => node.objects.put(key, new Uint8Array(8192))],
])('a segment that is %s is told, and other namespaces answer on', async (_what, damage) => {
  await put([{ id: 'a', values: [1, 0, 0] }]);
  await vectors.compactNow(place());
  await vectors.put(testCall(), { collection, namespace: 'whole', vectors: [{ id: 'w', values: [1, 0, 0] }] });
  for (const key of await storedObjects()) await damage(key);
  const reader = openVectors(node);
  const refusal = { code: 'capability_unavailable', status: 503, public: { reason: 'segment_damaged' } };
  await expect(query({}, reader)).rejects.toMatchObject(refusal);
  await expect(put([{ id: 'b', values: [1, 0, 0] }], reader)).rejects.toMatchObject(refusal);
  await expect(reader.get(testCall(), { ...place(), ids: ['a'], include: [] })).rejects.toMatchObject(refusal);
  expect((await query({ namespace: 'whole' }, reader)).hits).toHaveLength(1);
});

test('ids come in byte order, page by page, from rows that wait and from segments', async () => {
  await put(['b', 'a', 'é', 'ab'].map((id) => ({ id, values: [1, 0, 0] })));
  await vectors.compactNow(place());
  await put(['aa', 'c'].map((id) => ({ id, values: [1, 0, 0] })));
  await vectors.delete(testCall(), { ...place(), ids: ['b'] });
  const ids: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await vectors.ids(testCall(), { ...place(), limit: 2, ...(cursor === undefined ? {} : { cursor }) });
    ids.push(...page.ids);
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(ids).toEqual(['a', 'aa', 'ab', 'c', 'é']);
  expect((await vectors.ids(testCall(), { ...place(), prefix: 'a', limit: 10 })).ids).toEqual(['a', 'aa', 'ab']);
});
