import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { SignetError } from '../errors.ts';
import { admitOnce } from './replay.ts';

let node: TestNode;
beforeEach(async () => {
  node = await openTestNode();
});
afterEach(() => node.close());

const message = { iss: 'did:key:z6MkNode', exp: 1_900_000_060 };
const now = () => 1_900_000_000_000;

function admit(verdict: string, work: () => Promise<unknown> = async () => undefined, late_s = 0) {
  const by = { ...message, exp: message.exp + late_s };
  const at = () => now() + late_s * 1000;
  return admitOnce({ table: node.table, now: at }, { message: by, id: 'a'.repeat(64), verdict }, work);
}

test.each([
  ['the deadline', new SignetError({ code: 'gate_deadline', detail: 'too late' })],
  ['what is not there', new SignetError({ code: 'gate_unavailable', detail: 'away' })],
  ['a bug', new Error('broken')],
])('a message whose work was ended by %s may come again', async (_reason, error) => {
  await expect(admit('first', () => Promise.reject(error))).rejects.toBe(error);
  expect(await admit('second')).toMatchObject({ kind: 'admitted' });
  expect(await admit('third')).toEqual({ kind: 'seen', verdict: 'second' });
});

test('a refusal that was meant is the end of it', async () => {
  const refusal = new SignetError({ code: 'invalid_request', detail: 'no' });
  await expect(admit('first', () => Promise.reject(refusal))).rejects.toBe(refusal);
  expect(await admit('second')).toEqual({ kind: 'seen', verdict: 'first' });
});

test('a release takes away its own row alone', async () => {
  let copy: unknown;
  const failing = admit('first', async () => {
    // The row of the first is over, and another copy has one of its own by then.
    copy = await admit('second', undefined, 3600);
    throw new Error('away');
  });
  await expect(failing).rejects.toThrow('away');
  expect(copy).toMatchObject({ kind: 'admitted' });
  expect(await admit('third', undefined, 3600)).toEqual({ kind: 'seen', verdict: 'second' });
});
