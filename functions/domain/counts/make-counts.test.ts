import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { makeCounts } from './make-counts.ts';

let node: TestNode;
let clock = Date.UTC(2026, 0, 2);
beforeAll(async () => {
  node = await openTestNode({ now: () => clock });
});
afterAll(() => node.close());

test('counts since the last entry become one entry, and none where nothing was counted', async () => {
  const counts = makeCounts(node);
  expect(await counts.flush()).toBeUndefined();
  for (const kind of ['malformed', 'unauthenticated', 'malformed'] as const) counts.note(kind);
  clock += 60_000;
  const id = await counts.flush();
  const stored = await node.receipts.get(id ?? '', 'default');
  const { payload } = JSON.parse(Buffer.from(stored?.entry ?? '', 'base64').toString()) as { payload: string };
  expect(JSON.parse(Buffer.from(payload, 'base64').toString())).toMatchObject({
    predicateType: 'urn:signet:counts:v1',
    predicate: { from: clock / 1000 - 60, to: clock / 1000, counts: { malformed: 2, unauthenticated: 1 } },
  });
  expect(await counts.flush()).toBeUndefined();
});

test('counts that could not be written are written with the next', async () => {
  const { counts, appended, table } = countsOverTable();
  table.isDown = true;
  counts.note('rate_limited');
  await expect(counts.flush()).rejects.toThrow('away');
  counts.note('rate_limited');
  table.isDown = false;
  await counts.flush();
  expect(appended).toMatchObject([{ counts: { rate_limited: 2 } }]);
});

test('a host without timers writes the first count at once, then one entry a minute, and nothing for nothing', async () => {
  const { counts, appended, table } = countsOverTable();
  expect(await counts.flushDue()).toBeUndefined();
  counts.note('unauthenticated');
  expect(await Promise.all([counts.flushDue(), counts.flushDue()])).toEqual(['id', undefined]);
  counts.note('unauthenticated');
  clock += 59_999;
  expect(await counts.flushDue()).toBeUndefined();
  clock += 1;
  table.isDown = true;
  await expect(counts.flushDue()).rejects.toThrow('away');
  table.isDown = false;
  expect(await counts.flushDue()).toBeUndefined();
  clock += 60_000;
  await counts.flushDue();
  expect(appended).toMatchObject([{ counts: { unauthenticated: 1 } }, { counts: { unauthenticated: 1 } }]);
});

/** Counts whose table can be away, and what was appended while it was not. */
function countsOverTable() {
  const appended: unknown[] = [];
  const table = { isDown: false };
  const receipts: typeof node.receipts = {
    ...node.receipts,
    async append(_call, statement) {
      if (table.isDown) throw new Error('the table is away');
      appended.push(statement.predicate);
      return 'id';
    },
  };
  return { counts: makeCounts({ ...node, receipts }), appended, table };
}
