import { expect, test } from '@jest/globals';
import { decisionType } from '../receipts/statement-types.ts';
import { makeReadLog } from './read-log.ts';

const nothing = {
  table: { get: never, query: never, write: never, transact: never },
  now: () => 10_000,
};

function never(): never {
  throw new Error('a sealed log says all by itself');
}

function entry(action: string): Uint8Array {
  const predicate = { action, code: 'ok', effect: 'allow', facts: {}, parents: [] };
  const payload = Buffer.from(JSON.stringify({ predicateType: decisionType, predicate })).toString('base64');
  return new TextEncoder().encode(JSON.stringify({ payload }));
}

test('of a sealed log: what its row counted, and each entry that still waits', async () => {
  const head = { size: 3, root: 'ab', counts: { 'requests|chat|ok': 3 }, checkpoint_at: 7_500 };
  const log = { totals: async () => ({ ...head, unsealed: [entry('chat'), entry('embed')] }) };
  expect(await makeReadLog({ ...nothing, log })()).toEqual({
    tally: { 'requests|chat|ok': 4, 'requests|embed|ok': 1 },
    ledger: { pending: 2, size: 3, root: 'ab', checkpoint_age_s: 2.5 },
  });
});

test('before the first checkpoint there is no age, and none is below zero', async () => {
  const empty = { size: 0, root: 'e3', counts: {}, unsealed: [] };
  expect((await makeReadLog({ ...nothing, log: { totals: async () => empty } })()).ledger).toEqual({
    pending: 0,
    size: 0,
    root: 'e3',
  });
  const ahead = { ...empty, checkpoint_at: 20_000 };
  expect((await makeReadLog({ ...nothing, log: { totals: async () => ahead } })()).ledger.checkpoint_age_s).toBe(0);
});
