import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { foreignLog, openCosignature } from '../../../tests/fixtures/foreign-log.ts';
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { makeWitness } from './make-witness.ts';
import { openWitnessIdentity, type WitnessIdentity } from './witness-identity.ts';

jest.setTimeout(120_000);

let node: TestNode;
let identity: WitnessIdentity;
beforeAll(async () => {
  node = await openTestNode();
  const { table, keys, compute, now } = node;
  identity = await openWitnessIdentity({ table, keys, digest: compute.digest, name: 'witness.example/w1', now });
});
afterAll(() => node.close());

/** What the entries of a tree are, where a history leaves the first one from `branch` on. */
function entries({ size, branch }: { size: number; branch: number | undefined }): string[] {
  return Array.from({ length: size }, (_, index) =>
    index < (branch ?? Infinity) ? `entry ${index}` : `other ${index}`,
  );
}

const requests = fc.array(
  fc.record({
    old: fc.nat({ max: 9 }),
    size: fc.nat({ max: 9 }),
    branch: fc.option(fc.nat({ max: 9 }), { nil: undefined }),
    /** Sent from the size that is known, as an honest log would. */
    isHonest: fc.boolean(),
  }),
  { minLength: 1, maxLength: 12 },
);

let logs = 0;

test('whatever is asked, exactly the trees that continue the last one are cosigned', async () => {
  await fc.assert(
    fc.asyncProperty(requests, async (asked) => {
      const log = foreignLog(`log.example/property/${(logs += 1)}`);
      const witness = makeWitness({
        table: node.table,
        ledger: node.compute.verify.ledger,
        keys: node.keys,
        identity: async () => identity,
        logs: () => new Map([[log.origin, [log.vkey]]]),
        onFault: () => {},
        now: node.now,
      });
      let head: readonly string[] = [];
      for (const { old: named, size, branch, isHonest } of asked) {
        const old = isHonest ? head.length : named;
        const tree = entries({ size, branch });
        const shown = { size, ...(branch === undefined ? {} : { branch }) };
        const answer = await witness.addCheckpoint(log.request({ old, ...shown }));
        const continues = old === head.length && old <= size && head.every((entry, index) => tree[index] === entry);
        expect(answer.kind === 'cosigned').toBe(continues);
        if (answer.kind === 'elsewhere') expect(answer.size).toBe(head.length);
        if (answer.kind !== 'cosigned') continue;
        expect(openCosignature(answer.line, identity.vkey, log.checkpoint(size, branch))).toBeGreaterThan(0);
        head = tree;
      }
      expect((await witness.logs())[0]?.size).toBe(head.length);
    }),
    { numRuns: 60 },
  );
});

test('no changed byte of a request is cosigned', async () => {
  const log = foreignLog('log.example/flipped');
  const witness = makeWitness({
    table: node.table,
    ledger: node.compute.verify.ledger,
    keys: node.keys,
    identity: async () => identity,
    logs: () => new Map([[log.origin, [log.vkey]]]),
    onFault: () => {},
    now: node.now,
  });
  await witness.addCheckpoint(log.request({ old: 0, size: 5 }));
  const body = log.request({ old: 5, size: 9 });
  for (let at = 0; at < body.length; at += 1) {
    const changed = Uint8Array.from(body);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    expect((await witness.addCheckpoint(changed)).kind).not.toBe('cosigned');
  }
  expect((await witness.addCheckpoint(body)).kind).toBe('cosigned');
});
