import { afterAll, beforeAll, expect, test } from '@jest/globals';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { constitutionKey } from '../constitution/keys.ts';
import type { JsonObject } from '../json.ts';
import type { Keys } from '../ports/keys.ts';
import { verifyReceipt } from '../verify/verify-receipt.ts';
import { IdentityBrokenError } from './identity-broken.ts';
import { delegationKey, documentKey, nodeKey } from './keys.ts';
import { logAdoption } from './log-adoption.ts';

let node: TestNode;
let clock = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
beforeAll(async () => {
  node = await openTestNode({ now: () => clock });
});
afterAll(() => node.close());

test('the first start makes a document that the root key signed and that lists root and issuer', async () => {
  const { document, node_id, is_new } = node.identity;
  expect(is_new).toBe(true);
  expect(document).toMatchObject({
    id: node_id,
    seq: 0,
    verificationMethod: [
      { type: 'Multikey', controller: node_id, role: 'root', custody: 'file', notBefore: '2026-01-02T03:04:05Z' },
      { role: 'issuer' },
    ],
    service: [],
    log: { origin: `signet/${node_id.slice('did:key:'.length)}`, vkeys: [] },
  });
  expect(node.identity.con).toMatch(/^[0-9a-f]{64}$/);
  expect(node.identity.constitution).toMatchObject({ version: 1, prev: null, thresholds: { gini: 3500 } });
});

test('a later start loads the same identity', async () => {
  const again = await node.reopen();
  expect(again).toMatchObject({ is_new: false, node_id: node.identity.node_id, con: node.identity.con });
  expect(again.document).toEqual(node.identity.document);
});

test.each([
  ['the document', () => documentKey(node.identity.node_id, 0), 'document', { service: [{ id: 'x' }] }],
  ['the id of the document', () => documentKey(node.identity.node_id, 0), 'document', { id: 'did:key:z6MkOther' }],
  ['the constitution', () => constitutionKey(1), 'constitution', { skew_s: 31 }],
  ['the version of the constitution', () => constitutionKey(1), 'constitution', { version: 2 }],
])('a start with %s changed is refused', async (_what, key, field, change) => {
  const kept = await node.table.get(key(), clock);
  const item = { [field]: { ...(kept?.[field] as JsonObject), ...change } };
  await node.table.write({ kind: 'put', key: key(), item }, clock);
  await expect(node.reopen()).rejects.toThrow(IdentityBrokenError);
  await node.table.write({ kind: 'put', key: key(), item: kept ?? {} }, clock);
  await expect(node.reopen()).resolves.toMatchObject({ node_id: node.identity.node_id });
});

test.each([
  ['the node row', () => nodeKey()],
  ['the node document', () => documentKey(node.identity.node_id, 0)],
  ['the constitution', () => constitutionKey(1)],
])('a start without %s is refused', async (_what, key) => {
  const kept = await node.table.get(key(), clock);
  await node.table.write({ kind: 'delete', key: key() }, clock);
  await expect(node.reopen()).rejects.toThrow(IdentityBrokenError);
  await node.table.write({ kind: 'put', key: key(), item: kept ?? {} }, clock);
});

test('a start that died between its keys and its rows goes on with the same keys', async () => {
  const keys = [nodeKey(), documentKey(node.identity.node_id, 0), constitutionKey(1)];
  const kept = await Promise.all(keys.map((key) => node.table.get(key, clock)));
  for (const key of keys) await node.table.write({ kind: 'delete', key }, clock);
  expect(await node.reopen()).toMatchObject({ is_new: true, node_id: node.identity.node_id });
  for (const [index, key] of keys.entries()) {
    await node.table.write({ kind: 'put', key, item: kept[index] ?? {} }, clock);
  }
});

test('a start whose issuer key is gone says which files to restore', async () => {
  const keys = await node.keys.list();
  const issuer = keys.find((key) => key.role === 'issuer');
  const without = { ...node.keys, list: async () => keys.filter((key) => key !== issuer) };
  await expect(node.reopen({ keys: without })).rejects.toThrow(/issuer key/);
});

test('sessions are renewed by the wall clock, once for all who wait, and old delegations stay', async () => {
  const first = await node.identity.session();
  expect(first.naf - first.nbf).toBeLessThanOrEqual(limits.session_s_max);
  expect(await node.identity.session()).toBe(first);

  clock = (first.naf - limits.session_renew_below_s + 1) * 1000;
  const [a, b] = await Promise.all([node.identity.session(), node.identity.session()]);
  expect(a.delegation_id).not.toBe(first.delegation_id);
  expect(b).toBe(a);
  expect((await node.identity.delegation(first.delegation_id))?.document).toEqual(node.identity.document);
  expect(await node.identity.delegation('0'.repeat(64))).toBeUndefined();
});

test('a clock that jumps, back or forth, gets a session of its own time', async () => {
  for (const jump_s of [7200, -86_400]) {
    clock += jump_s * 1000;
    const session = await node.identity.session();
    const second = Math.floor(clock / 1000);
    expect(session.nbf).toBeLessThanOrEqual(second);
    expect(session.naf).toBeGreaterThan(second + limits.session_renew_below_s);
  }
});

test('while a renewal fails the old session serves until its end, and no longer', async () => {
  let isFailing = false;
  const failing: Keys = {
    ...node.keys,
    create(role) {
      if (isFailing) throw new Error('no key today');
      return node.keys.create(role);
    },
  };
  const identity = await node.reopen({ keys: failing });
  const session = await identity.session();
  isFailing = true;
  clock = (session.naf - 10) * 1000;
  expect(await identity.session()).toBe(session);
  clock = (session.naf + 1) * 1000;
  await expect(identity.session()).rejects.toThrow('no key today');
  isFailing = false;
  expect((await identity.session()).delegation_id).not.toBe(session.delegation_id);
});

test('a swapped compute adapter costs one renewal: the receipt is made and holds', async () => {
  clock = Date.UTC(2026, 0, 3);
  const before = await node.identity.session();
  await node.keys.release(before.key_id);
  const id = await node.receipts.append(
    { request_id: node.newId(), nextStatement: () => 0 },
    {
      subject: [{ name: 'constitution', digest: { sha256: node.identity.con } }],
      predicate_type: 'urn:signet:counts:v1',
      predicate: { counts: {} },
    },
  );
  const bytes = new TextEncoder().encode(JSON.stringify(await node.receipts.get(id, 'default')));
  const verdict = await verifyReceipt({ bytes, ...node.compute, trust: [node.identity.node_id] });
  expect(verdict).toMatchObject({ valid: true, exit: 0, receipt_id: id });
  expect((await node.identity.session()).key_id).not.toBe(before.key_id);
  expect(await node.table.get(delegationKey(node.identity.node_id, before.delegation_id), clock)).toBeDefined();
});

test('the adoption of document and constitution is logged once', async () => {
  const facts = { ...node, digest: node.compute.digest };
  const id = await logAdoption(facts);
  expect(await logAdoption(facts)).toBeUndefined();
  const bytes = new TextEncoder().encode(JSON.stringify(await node.receipts.get(id ?? '', 'default')));
  const record = new TextEncoder().encode(JSON.stringify(node.identity.document));
  const [canonical] = await node.compute.digest.canonicalise([record]);
  const content = canonical?.ok === true ? [canonical.canonical] : [];
  const verdict = await verifyReceipt({ bytes, ...node.compute, trust: [node.identity.node_id], content });
  expect(verdict).toMatchObject({ valid: true, statement: { predicateType: 'urn:signet:document:v1' } });
  expect(verdict.checks.map((check) => check.name)).toContain('content');
});
