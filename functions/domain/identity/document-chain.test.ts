import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import type { JsonObject } from '../json.ts';
import { DocumentConflictError, RootElsewhereError } from './append-document.ts';
import { currentRoots, verifyChain } from './document-chain.ts';
import { addKey, allOf, retireKey, revokeKey } from './document-changes.ts';
import { IdentityBrokenError } from './identity-broken.ts';
import type { Identity } from './open-identity.ts';
import { rfc3339, rootKeyIdOf } from './node-document.ts';

let node: TestNode;
let identity: Identity;
const now = 1_900_000_000_000;
beforeAll(async () => {
  node = await openTestNode({ now: () => now });
  identity = node.identity;
});
afterAll(() => node.close());

const judge = (documents: readonly JsonObject[], of = identity.node_id) =>
  verifyChain({ documents, node_id: of, ...node.compute });
const issuerId = async () => (await node.keys.list('issuer')).map(({ key_id }) => key_id);

/** A document like `identity.appendDocument` would write it, with this and that changed before it is signed. */
async function forge(members: JsonObject, signers: readonly string[] = currentRoots(identity.document)) {
  const { proof: _proof, ...newest } = identity.document;
  const [{ sha256 } = { sha256: '' }] = await node.compute.digest.digest([Buffer.from(canonical(identity.document))]);
  let document: JsonObject = { ...newest, seq: identity.chain.length, prev: sha256, ...members };
  for (const key_id of signers) {
    const verification_method = `${identity.node_id}#${key_id}`;
    document = await node.keys.signDocument({ key_id, verification_method, document, created: rfc3339(now) });
  }
  return document;
}

/** Names here are ASCII and numbers whole: sorting is all that RFC 8785 asks for. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join()}}`;
}

describe('a chain grows', () => {
  test('by a log key with its verifier key', async () => {
    const key = await node.keys.create('log');
    const document = await identity.appendDocument(addKey({ key, now, vkey: 'signet/x+abcd1234+AQID' }));
    expect(document).toMatchObject({
      seq: 1,
      log: { vkeys: ['signet/x+abcd1234+AQID'] },
      verificationMethod: [{ role: 'root' }, { role: 'issuer' }, { role: 'log', publicKeyMultibase: key.key_id }],
    });
    expect(identity.document).toBe(document);
    expect(await judge(identity.chain)).toMatchObject({ ok: true });
  });

  test('by an issuer key that takes over, and receipts name the document that lists it', async () => {
    const [old = ''] = await issuerId();
    const before = await identity.session();
    const key = await node.keys.create('issuer');
    await identity.appendDocument(allOf(addKey({ key, now }), retireKey({ key_id: old, not_after: now + 86_400_000 })));
    const after = await identity.session();
    expect(after.delegation_id).not.toBe(before.delegation_id);
    const delegation = await identity.delegation(after.delegation_id);
    expect(JSON.parse(delegation?.envelope ?? '')).toMatchObject({ signatures: [{ keyid: key.key_id }] });
    expect(delegation?.document).toBe(identity.document);
    expect((await identity.delegation(before.delegation_id))?.document).toBe(identity.chain[1]);
  });

  test('by a root key: both sign, the constitution gets its proof, and the node starts again', async () => {
    const old = rootKeyIdOf(identity.node_id);
    const key = await node.keys.create('root');
    const document = await identity.appendDocument(
      allOf(addKey({ key, now }), retireKey({ key_id: old, not_after: now + 86_400_000 })),
    );
    expect(document['proof']).toMatchObject([
      { verificationMethod: `${identity.node_id}#${old}` },
      { verificationMethod: `${identity.node_id}#${key.key_id}` },
    ]);
    expect(currentRoots(document)).toEqual([key.key_id]);
    expect(identity.constitution['proof']).toHaveLength(2);
    const again = await node.reopen();
    expect(again).toMatchObject({ node_id: identity.node_id, con: identity.con, document });
    expect(again.chain).toHaveLength(4);
    await again.appendDocument(revokeKey({ key_id: old, revoked_at: 7 }));
    expect(await judge(again.chain)).toMatchObject({ ok: true });
    await expect(identity.appendDocument(revokeKey({ key_id: old, revoked_at: 8 }))).rejects.toThrow(
      DocumentConflictError,
    );
    // The loser has read the chain again.
    expect(identity.chain).toHaveLength(5);
    await node.judge.decide(
      testCall(),
      { action: 'chat', resource: { type: 'Model', id: 'm' }, facts: {}, request: 'x' },
      async () => ({ value: null, outcome: {} }),
    );
  });

  test('not by a document that leaves no issuer key to act with', async () => {
    const length = identity.chain.length;
    for (const key_id of await issuerId()) {
      const isUsed = (await identity.delegation((await identity.session()).delegation_id))?.envelope.includes(key_id);
      if (isUsed !== true) continue;
      await expect(identity.appendDocument(revokeKey({ key_id, revoked_at: 0 }))).rejects.toThrow(IdentityBrokenError);
    }
    expect((await node.reopen()).chain).toHaveLength(length);
  });

  test('not where the root key is elsewhere', async () => {
    const elsewhere = {
      ...node.keys,
      list: async (role?: string) => (role === 'root' ? [] : node.keys.list('issuer')),
    };
    const opened = await node.reopen({ keys: elsewhere });
    await expect(opened.appendDocument((document) => document)).rejects.toThrow(RootElsewhereError);
  });
});

describe('a chain is refused', () => {
  const refused = async (document: JsonObject) => judge([...identity.chain, document]);
  const methods = () => identity.document['verificationMethod'] as readonly JsonObject[];

  test('whose document is out of its place', async () => {
    expect(await refused(await forge({ seq: 9 }))).toMatchObject({ ok: false, code: 'schema.mismatch', seq: 5 });
    expect(await refused(await forge({ prev: 'a'.repeat(64) }))).toMatchObject({ code: 'schema.mismatch' });
    expect(await refused(await forge({ id: 'did:key:z6MkOther' }))).toMatchObject({ code: 'schema.mismatch' });
    expect(await judge(identity.chain.slice(1))).toMatchObject({ ok: false, seq: 0 });
    expect(await judge([])).toMatchObject({ ok: false, seq: 0 });
  });

  test.each<[string, (listed: readonly JsonObject[]) => readonly JsonObject[], RegExp]>([
    ['forgets a key', (listed) => listed.slice(1), /no longer lists/],
    ['changes a role', ([first = {}, ...rest]) => [{ ...first, role: 'log' }, ...rest], /changes `role`/],
    ['takes an end back', (listed) => listed.map(({ notAfter: _end, ...rest }) => rest), /changes `notAfter`/],
    ['revokes twice', (listed) => listed.map((one) => ({ ...one, revokedAt: 9 })), /second time/],
    ['lists a key twice', (listed) => [...listed, listed[0] ?? {}], /twice/],
    [
      'ends its last root key',
      (listed) => listed.map((one) => ({ notAfter: '2040-01-01T00:00:00Z', ...one })),
      /no root/,
    ],
  ])('whose document %s', async (_what, change, detail) => {
    const document = await forge({ verificationMethod: change(methods()) });
    expect(await refused(document)).toMatchObject({
      ok: false,
      code: 'schema.mismatch',
      detail: expect.stringMatching(detail),
    });
  });

  test('whose document a retired, revoked or unknown key has signed', async () => {
    const old = rootKeyIdOf(identity.node_id);
    expect(await refused(await forge({}, [old]))).toMatchObject({ ok: false, code: 'sig.invalid' });
    const unknown = await node.keys.create('root');
    expect(await refused(await forge({}, [unknown.key_id]))).toMatchObject({ ok: false });
    const document = await forge({});
    expect(await refused({ ...document, note: 1 })).toMatchObject({ ok: false, code: 'sig.invalid' });
  });

  test('that adds a root key which has not signed itself', async () => {
    const key = await node.keys.create('root');
    const { proof: _proof, ...newest } = identity.document;
    const added = addKey({ key, now })(newest);
    const list = { verificationMethod: added['verificationMethod'] ?? [] };
    expect(await refused(await forge(list))).toMatchObject({ ok: false, detail: /adds has not signed/ });
    expect(await refused(await forge(list, [key.key_id]))).toMatchObject({ ok: false });
    expect(await refused(await forge(list, [...currentRoots(identity.document), key.key_id]))).toMatchObject({
      ok: true,
    });
  });
});
