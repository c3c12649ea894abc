import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { makeCounts } from '../counts/make-counts.ts';
import { makeReceipts } from '../receipts/make-receipts.ts';
import { countsType } from '../receipts/statement-types.ts';
import { countEntries } from './count-entries.ts';
import { requestsOf } from './tally.ts';

let node: TestNode;
let clock = Date.UTC(2026, 0, 2);
beforeAll(async () => {
  node = await openTestNode({ now: () => clock });
});
afterAll(() => node.close());

function decide(action: 'chat' | 'embed'): Promise<unknown> {
  const judgement = { action, resource: { type: 'Model', id: 'm' }, facts: {} };
  return node.judge.decide(testCall(), judgement, () => Promise.resolve({ value: 1, outcome: {} }));
}

test('two instances count the same, what either stored and at whatever time they first looked', async () => {
  const [one, other] = [countEntries(node), countEntries(node)];
  const before = requestsOf((await one()).tally);
  await decide('chat');
  expect((await one()).tally).toMatchObject({ 'requests|chat|ok': 1 });
  clock += 60_000;
  await decide('embed');
  expect(await one()).toEqual(await other());
  clock += 60_000;
  const counts = makeCounts(node);
  for (const kind of ['malformed', 'malformed', 'not_found'] as const) counts.note(kind);
  await counts.flush();
  const [first, second] = await Promise.all([one(), one()]);
  expect(first).toEqual(second);
  expect(first).toEqual(await countEntries(node)());
  expect(requestsOf(first.tally)).toBe(before + 5);
  clock -= 120_000;
  expect(await one()).toEqual(first);
});

test('a fresh instance goes on from what another one summed', async () => {
  clock += 600_000;
  await countEntries(node)();
  const ranges: string[] = [];
  const watched: typeof node.table = {
    ...node.table,
    query: (query, now) => {
      ranges.push(query.from ?? '');
      return node.table.query(query, now);
    },
  };
  expect(await countEntries({ table: watched, now: node.now })()).toEqual(await countEntries(node)());
  expect(ranges.every((from) => Number(from.slice(0, 15)) > clock - 700_000)).toBe(true);
});

test('what another process stored is counted, at whatever time by the clock of this one', async () => {
  let own_clock = node.now();
  const counting = countEntries({ ...node, now: () => own_clock });
  const count = async () => (await counting()).entries;
  const before = await count();
  await append(node.now);
  own_clock += 60_000;
  expect(await count()).toBe(before + 1);
  await append(() => own_clock);
  expect(await Promise.all([count(), count()])).toEqual([before + 2, before + 2]);
  own_clock -= 120_000;
  expect(await count()).toBe(before + 2);
});

test('appends that run while the entries are first counted are counted once', async () => {
  const counting = countEntries(node);
  await append(node.now);
  const [, counted] = await Promise.all([append(node.now), counting()]);
  expect(await counting()).toEqual(await countEntries(node)());
  expect(counted.entries).toBeGreaterThan(0);
});

/** As another process would, which has read nothing yet. */
function append(now: () => number): Promise<string> {
  const statement = { subject: [], predicate_type: countsType, predicate: { counts: { malformed: 1 } } };
  return makeReceipts({ ...node, now }).append(testCall(), statement);
}
