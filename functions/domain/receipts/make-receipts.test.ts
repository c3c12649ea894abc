import { afterAll, beforeAll, expect, test } from '@jest/globals';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { readContent } from '../content/read-content.ts';
import type { JsonObject } from '../json.ts';
import { countEntries } from '../metrics/count-entries.ts';
import { pendingPartition } from './keys.ts';
import { makeReceipts } from './make-receipts.ts';
import type { Statement } from './receipts.ts';
import { countsType } from './statement-types.ts';

let node: TestNode;
beforeAll(async () => {
  node = await openTestNode();
});
afterAll(() => node.close());

const statement: Statement = {
  subject: [{ name: 'constitution', digest: { sha256: 'c'.repeat(64) } }],
  predicate_type: countsType,
  predicate: { counts: { malformed: 1 } },
};

test('many appends at once are all stored, in the order of time, and counted', async () => {
  const count = countEntries(node);
  const { entries: before } = await count();
  const call = testCall();
  const ids = await Promise.all(Array.from({ length: 100 }, () => node.receipts.append(call, statement)));
  expect(new Set(ids).size).toBe(100);
  expect((await count()).entries).toBe(before + 100);
  expect((await countEntries(node)()).entries).toBe(before + 100);

  const { rows } = await node.table.query({ pk: pendingPartition, limit: 1000 }, node.now());
  expect(rows.map((row) => row.sk)).toEqual(rows.map((row) => row.sk).toSorted());
  for (const id of ids)
    expect(await node.receipts.get(id, 'default')).toMatchObject({ document: node.identity.document });
});

test('entries stand in the order of their appends: within a millisecond, and when a start finds the clock set back', async () => {
  const frozen = node.now();
  const ids: string[] = [];
  for (const ms of [frozen, frozen, frozen, frozen - 3_600_000, frozen - 3_600_000]) {
    const receipts = makeReceipts({ ...node, now: () => ms });
    ids.push(await receipts.append(testCall(), statement), await receipts.append(testCall(), statement));
  }
  const { rows } = await node.table.query({ pk: pendingPartition, limit: 1000 }, node.now());
  expect(rows.slice(-ids.length).map(({ sk }) => sk.slice(16))).toEqual(ids);
});

test("a tenant reads its own receipts and the node's, no other's", async () => {
  const id = await node.receipts.append(testCall({ tenant: 'acme' }), statement);
  expect(await node.receipts.get(id, 'acme')).toBeDefined();
  expect(await node.receipts.get(id, 'default')).toBeUndefined();
  const { principal: _nobody, ...cause } = testCall();
  const own = await node.receipts.append(cause, statement);
  expect(await node.receipts.get(own, 'acme')).toBeDefined();
  expect(await node.receipts.get(own, 'default')).toBeDefined();
});

test('no field of a caller stands in for the head', async () => {
  const id = await node.receipts.append(testCall(), { ...statement, predicate: { iss: 'did:key:zEvil', v: 9 } });
  expect((await statementOf(id))['predicate']).toMatchObject({ v: 1, iss: node.identity.node_id });
});

test('detail over the limit moves to a content record of the tenant, largest first', async () => {
  const facts = { text: 'x'.repeat(3_000) };
  const parents = Array.from({ length: 200 }, (_, index) => String(index).padStart(64, '0'));
  const id = await node.receipts.append(testCall({ tenant: 'acme' }), {
    ...statement,
    predicate: { action: 'chat', code: 'ok', facts, parents, finish: 'stop' },
  });
  const signed = await statementOf(id, 'acme');
  expect(Buffer.byteLength(JSON.stringify(signed))).toBeLessThanOrEqual(limits.envelope.payload_bytes_max);
  expect(signed['predicate']).toMatchObject({ action: 'chat', code: 'ok', finish: 'stop', moved: ['parents'], facts });
  const subjects = signed['subject'] as readonly { name: string; digest: { sha256: string } }[];
  expect(subjects.map((subject) => subject.name)).toEqual(['constitution', 'detail']);
  const record = await readContent(node, { tenant: 'acme', sha256: subjects[1]?.digest.sha256 ?? '' });
  expect(JSON.parse(new TextDecoder().decode(record))).toMatchObject({ content: { parents } });
});

test.each(['', 'x', '0'.repeat(63), '0'.repeat(64), 'F'.repeat(64), '../'.repeat(21) + 'a'])(
  'an id that names nothing (%s) is answered with nothing',
  async (id) => {
    expect(await node.receipts.get(id, 'default')).toBeUndefined();
  },
);

async function statementOf(id: string, tenant = 'default'): Promise<JsonObject> {
  const stored = await node.receipts.get(id, tenant);
  const envelope = JSON.parse(Buffer.from(stored?.entry ?? '', 'base64').toString()) as { payload: string };
  return JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) as JsonObject;
}
