import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { verifyReceipt } from './verify-receipt.ts';

let node: TestNode;
let bytes: Uint8Array;
beforeAll(async () => {
  node = await openTestNode();
  const { receipt } = await node.judge.decide(
    testCall(),
    { action: 'chat', resource: { type: 'Model', id: 'm' }, facts: {}, request: 'hello' },
    async () => ({ value: null, outcome: { usage: { in: 1, out: 2 } } }),
  );
  bytes = new TextEncoder().encode(JSON.stringify(await node.receipts.get(receipt, 'default')));
});
afterAll(() => node.close());

const isValid = async (changed: Uint8Array): Promise<boolean> => {
  const verdict = await verifyReceipt({ bytes: changed, ...node.compute, trust: [node.identity.node_id] });
  return verdict.valid;
};

test('every single flipped bit of a receipt is refused', async () => {
  expect(await isValid(bytes)).toBe(true);
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Uint8Array.from(bytes);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (await isValid(changed)) throw new Error(`bit ${bit & 7} of byte ${bit >> 3} can be flipped`);
  }
}, 120_000);

test('a receipt that is cut, doubled or has bytes replaced is refused', async () => {
  const at = fc.nat({ max: bytes.length - 1 });
  await fc.assert(
    fc.asyncProperty(at, fc.uint8Array({ minLength: 1, maxLength: 8 }), async (position, replacement) => {
      const changed = Uint8Array.from(bytes);
      changed.set(replacement.subarray(0, bytes.length - position), position);
      fc.pre(Buffer.compare(changed, bytes) !== 0);
      expect(await isValid(changed)).toBe(false);
      expect(await isValid(bytes.subarray(0, position))).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test('any bytes at all get a verdict, never an exception', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 200 }), jsonBytes()), async (any) => {
      expect(await isValid(any)).toBe(false);
    }),
    { numRuns: 300 },
  );
});

function jsonBytes(): fc.Arbitrary<Uint8Array> {
  const base64 = fc.oneof(
    fc.jsonValue(),
    fc.json().map((text) => Buffer.from(text).toString('base64')),
  );
  return fc
    .record({ entry: base64, delegation: base64, document: fc.jsonValue() })
    .map((value) => new TextEncoder().encode(JSON.stringify(value)));
}
