import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { addKey, allOf, retireKey, revokeKey } from '../identity/document-changes.ts';
import { rfc3339, rootKeyIdOf } from '../identity/node-document.ts';
import type { JsonObject } from '../json.ts';
import type { Receipt } from '../receipts/receipts.ts';
import { verifyReceipt, type Verdict } from './verify-receipt.ts';

let node: TestNode;
let now = 1_900_000_000_000;
const minute = 60_000;
const day = 86_400_000;

/** In the order in which they were made: before anything was rotated, by the second issuer, under the second root. */
let first: Receipt;
let second: Receipt;
let third: Receipt;
let issuers: readonly string[];

beforeAll(async () => {
  node = await openTestNode({ now: () => now });
  first = await receipt();
  const [old = ''] = (await node.keys.list('issuer')).map(({ key_id }) => key_id);
  const issuer = await node.keys.create('issuer');
  issuers = [old, issuer.key_id];
  now += minute;
  const retired = retireKey({ key_id: old, not_after: now + day });
  await node.identity.appendDocument(allOf(addKey({ key: issuer, now }), retired));
  second = await receipt();

  now += minute;
  const root = await node.keys.create('root');
  const rootRetired = retireKey({ key_id: rootKeyIdOf(node.identity.node_id), not_after: now + day });
  await node.identity.appendDocument(allOf(addKey({ key: root, now }), rootRetired));
  const log = await node.keys.create('log');
  // From here on the first root key signs nothing any more.
  await node.identity.appendDocument(addKey({ key: log, now, vkey: 'signet/x+00000000+AQ==' }));
  await node.identity.renewSession();
  third = await receipt();
});
afterAll(() => node.close());

async function receipt(): Promise<Receipt> {
  const { receipt: id } = await node.judge.decide(
    testCall(),
    { action: 'chat', resource: { type: 'Model', id: 'm' }, facts: {}, request: 'hello' },
    async () => ({ value: null, outcome: {} }),
  );
  const found = await node.receipts.get(id, 'default');
  if (found === undefined) throw new Error('the receipt is not there');
  return found;
}

function verdictOf(
  of: Receipt,
  more: { chains?: readonly (readonly JsonObject[])[]; log_index?: number } = { chains: [node.identity.chain] },
): Promise<Verdict> {
  const bytes = new TextEncoder().encode(JSON.stringify(of));
  return verifyReceipt({ bytes, ...node.compute, trust: [node.identity.node_id], ...more });
}

/** The chain with one document more, as if the node had appended it. */
async function chainWith(change: Parameters<TestNode['identity']['appendDocument']>[0]) {
  const fork = await node.reopen({
    table: {
      ...node.table,
      transact: async (operations) => ({ kind: 'written', items: operations.map(() => undefined) }),
    },
  });
  await fork.appendDocument(change);
  return fork.chain;
}

test('receipts from before and after each rotation are valid over the chain', async () => {
  for (const one of [first, second, third]) expect(await verdictOf(one)).toMatchObject({ valid: true, code: 'ok' });
});

test('without the chain as long as the first root key has signed their document', async () => {
  expect(await verdictOf(first, {})).toMatchObject({ valid: true });
  expect(await verdictOf(second, {})).toMatchObject({ valid: true });
  expect(await verdictOf(third, {})).toMatchObject({ exit: 11, code: 'sig.invalid' });
});

test('a document that is next to the pinned chain is taken, one beyond it asks to pin again', async () => {
  const { chain } = node.identity;
  expect(await verdictOf(third, { chains: [chain.slice(0, 3)] })).toMatchObject({ valid: true });
  expect(await verdictOf(third, { chains: [chain.slice(0, 2)] })).toMatchObject({ exit: 14, code: 'key.unknown' });
});

test('a document that is not the one of its place in the chain is refused', async () => {
  const document = first.document;
  const proof = document['proof'] as JsonObject;
  // The same document signed again is another one: `prev` of its successor does not name it.
  const { proof: _proof, ...unsigned } = document;
  const signedAgain = await node.keys.signDocument({
    key_id: rootKeyIdOf(node.identity.node_id),
    verification_method: proof['verificationMethod'] as string,
    document: unsigned,
    created: rfc3339(now),
  });
  expect(await verdictOf({ ...first, document: signedAgain }, {})).toMatchObject({ valid: true });
  expect(await verdictOf({ ...first, document: signedAgain })).toMatchObject({ exit: 14, code: 'schema.mismatch' });
  expect(await verdictOf({ ...first, document: { ...document, seq: 1 } })).toMatchObject({ exit: 14 });
  expect(await verdictOf({ ...first, document: { ...document, seq: 'x' } })).toMatchObject({ exit: 14 });
  expect(await verdictOf({ ...first, document: { ...document, big: 2 ** 60 } })).toMatchObject({ valid: false });
});

test('a pinned chain that was changed vouches for nothing', async () => {
  const [zero = {}, one = {}, ...rest] = node.identity.chain;
  for (const chain of [
    [zero, { ...one, note: 1 }, ...rest],
    [zero, ...rest],
    [{ ...zero, note: 1 }, one, ...rest],
  ]) {
    expect(await verdictOf(first, { chains: [chain] })).toMatchObject({ valid: false });
  }
});

test('a key revoked by place: what was logged before holds, what came later or was not logged does not', async () => {
  const chains = [await chainWith(revokeKey({ key_id: issuers[0] ?? '', revoked_at: 100 }))];
  expect(await verdictOf(first, { chains, log_index: 99 })).toMatchObject({ valid: true });
  for (const more of [{ log_index: 100 }, { log_index: 101 }, {}]) {
    expect(await verdictOf(first, { chains, ...more })).toMatchObject({ exit: 14, code: 'key.revoked' });
  }
  // The other issuer key is none of its business.
  expect(await verdictOf(second, { chains })).toMatchObject({ valid: true });
});

test('a key revoked by time: what it states from then on does not hold', async () => {
  const successor = await node.keys.create('issuer');
  const revokedAt = (time: number) =>
    chainWith(
      allOf(addKey({ key: successor, now }), revokeKey({ key_id: issuers[1] ?? '', revoked_at: rfc3339(time) })),
    );
  const earlier = [await revokedAt(1_900_000_000_000)];
  const later = [await revokedAt(now + day)];
  expect(await verdictOf(second, { chains: earlier })).toMatchObject({ exit: 14, code: 'key.revoked' });
  expect(await verdictOf(second, { chains: later })).toMatchObject({ valid: true });
  expect(await verdictOf(first, { chains: earlier })).toMatchObject({ valid: true });
});

test('a retired key vouches for nothing after its end', async () => {
  const { proof: _proof, ...newest } = node.identity.document;
  expect(newest['seq']).toBe(3);
  const session = await node.keys.create('session');
  const iat = Math.floor((now + 2 * day) / 1000);
  const head = { v: 1, iss: node.identity.node_id, con: node.identity.con, req: 'r', n: 0 };
  const subject = [{ name: 'x', digest: { sha256: 'a'.repeat(64) } }];
  const statement = (predicateType: string, predicate: JsonObject): JsonObject => ({
    _type: 'https://in-toto.io/Statement/v1',
    subject,
    predicateType,
    predicate: { ...head, ...predicate },
  });
  const payload_type = 'application/vnd.in-toto+json';
  const kinds = ['urn:signet:decision:v1'];
  const delegated = { iat, nbf: iat, naf: iat + 60, key: session.key_id, role: 'session', kinds };
  const delegation = await node.keys.sealEnvelope({
    key_id: issuers[0] ?? '',
    payload_type,
    payload: statement('urn:signet:delegation:v1', delegated),
  });
  const entry = await node.keys.sealEnvelope({
    key_id: session.key_id,
    payload_type,
    payload: statement('urn:signet:decision:v1', { iat, del: delegation.id }),
  });
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
  const forged = { entry: base64(entry.entry), delegation: base64(delegation.entry), document: first.document };
  expect(await verdictOf(forged)).toMatchObject({ exit: 14, code: 'key.delegation' });
});
