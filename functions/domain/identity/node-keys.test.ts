import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { currentRoots, verifyChain } from './document-chain.ts';
import { logAdoption } from './log-adoption.ts';
import { listedKeys } from './node-document.ts';
import { makeNodeKeys, UnknownKeyError, type NodeKeys } from './node-keys.ts';

const now = 1_900_000_000_000;
let node: TestNode;
let nodeKeys: NodeKeys;
let log_size: number | undefined;
beforeEach(async () => {
  log_size = undefined;
  node = await openTestNode({ now: () => now });
  nodeKeys = makeNodeKeys({
    ...node,
    vkeyOf: async ({ key_id }) => `signet/x+00000000+${key_id}`,
    logSize: async () => log_size,
    logAdoption: () => logAdoption({ ...node, digest: node.compute.digest }),
  });
});
afterEach(() => node.close());

const listed = (role: string) => listedKeys(node.identity.document).filter((key) => key.role === role);
const isWhole = async () =>
  (await verifyChain({ documents: node.identity.chain, node_id: node.identity.node_id, ...node.compute })).ok;

test.each([
  ['root', 86_400],
  ['issuer', 86_400],
  ['log', 2_592_000],
] as const)('a rotated %s key ends after %i s, and the ledger names the document', async (role, overlap_s) => {
  if (role === 'log') await nodeKeys.rotate('log');
  const [before] = listed(role);
  const changed = await nodeKeys.rotate(role);
  expect(changed).toMatchObject({ role, document: node.identity.document, receipt: expect.any(String) });
  const [old, successor] = listed(role);
  expect(old).toMatchObject({ key_id: before?.key_id, not_after: now / 1000 + overlap_s, revoked: false });
  expect(successor).toMatchObject({ key_id: changed.successor, revoked: false });
  expect(successor?.not_after).toBeUndefined();
  expect(await node.receipts.get(changed.receipt ?? '', 'default')).toBeDefined();
  expect(await isWhole()).toBe(true);
  expect((await node.reopen()).document).toEqual(node.identity.document);
  if (role === 'log')
    expect(node.identity.document['log']).toMatchObject({ vkeys: [/./, /./].map(() => expect.any(String)) });
});

test.each(['root', 'issuer'] as const)('a revoked %s key in use has its successor at once', async (role) => {
  const [old] = listed(role);
  const session = await node.identity.session();
  const changed = await nodeKeys.revoke(old?.key_id ?? '');
  expect(listed(role)).toMatchObject([
    { key_id: old?.key_id, revoked: true, revoked_at: { time: now / 1000 } },
    { key_id: changed.successor, revoked: false },
  ]);
  expect(await isWhole()).toBe(true);
  // Sessions of a revoked issuer key end with it.
  const isSame = (await node.identity.session()).key_id === session.key_id;
  expect(isSame).toBe(role !== 'issuer');
  if (role === 'root') expect(currentRoots(node.identity.document)).toEqual([changed.successor]);
  await expect(nodeKeys.revoke(old?.key_id ?? '')).rejects.toThrow(UnknownKeyError);
});

test('a key is revoked by place where there is a log', async () => {
  log_size = 41;
  const [old] = listed('issuer');
  await nodeKeys.revoke(old?.key_id ?? '');
  expect(listed('issuer')[0]).toMatchObject({ revoked_at: { index: 41 } });
});

test('a key in its overlap is revoked without another successor', async () => {
  const [old] = listed('issuer');
  const { successor } = await nodeKeys.rotate('issuer');
  const changed = await nodeKeys.revoke(old?.key_id ?? '');
  expect(changed.successor).toBeUndefined();
  expect(listed('issuer').map(({ key_id }) => key_id)).toEqual([old?.key_id, successor]);
});

test('a key that is not listed is not revoked', async () => {
  await expect(nodeKeys.revoke('z6MkNobody')).rejects.toThrow(UnknownKeyError);
});
