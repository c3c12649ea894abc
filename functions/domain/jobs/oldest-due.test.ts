import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { dueKey } from './keys.ts';
import { oldestDue } from './oldest-due.ts';

let clock = 1_000_000;
const now = (): number => clock;
let node: TestNode;
beforeAll(async () => {
  node = await openTestNode({ now });
});
afterAll(() => node.close());

test('is how long the longest waiting job is overdue, in whichever shard it is', async () => {
  expect(await oldestDue(node)).toBe(0);
  const put = (job: string, due_at: number) =>
    node.table.write({ kind: 'put', key: dueKey(job, due_at), item: {} }, clock);
  await put('later', clock + 5_000);
  expect(await oldestDue(node)).toBe(0);
  await put('first', clock);
  await put('second', clock + 1_000);
  clock += 3_000;
  expect(await oldestDue(node)).toBe(3_000);
  await node.table.write({ kind: 'delete', key: dueKey('first', clock - 3_000) }, clock);
  expect(await oldestDue(node)).toBe(2_000);
});
