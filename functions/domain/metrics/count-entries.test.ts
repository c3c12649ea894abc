import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { makeCounts } from '../counts/make-counts.ts';
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
  const before = requestsOf(await one());
  await decide('chat');
  expect(await one()).toMatchObject({ 'requests|chat|ok': 1 });
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
  expect(requestsOf(first)).toBe(before + 5);
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
