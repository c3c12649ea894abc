import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openTestNode, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { withoutProof } from '../constitution/constitution.ts';
import { constitutionKey } from '../constitution/keys.ts';
import { ConstitutionRefusedError } from '../constitution/rules.ts';
import type { JsonObject } from '../json.ts';
import { ConstitutionNotAdoptedError, type KnownObjects } from './adopt-constitution.ts';
import { rfc3339, verificationMethodId } from './node-document.ts';

let node: TestNode;
let known: KnownObjects;
beforeEach(async () => {
  node = await openTestNode();
  const { scorers, lists } = await node.compute.gates.describeScorers();
  known = { scorers, lists, policies: [{ id: 'policies', sha256: 'a'.repeat(64) }] };
});
afterEach(() => node.close());

function next(changed: JsonObject = {}): JsonObject {
  const { constitution, constitution_version, con } = node.identity;
  const document = withoutProof(constitution);
  return { ...document, version: constitution_version + 1, prev: con, ...changed };
}

async function signedByRoot(document: JsonObject): Promise<JsonObject> {
  const [root] = await node.keys.list('root');
  if (root === undefined) throw new Error('a test node holds its root key');
  const { key_id } = root;
  const verification_method = verificationMethodId(node.identity.node_id, key_id);
  return node.keys.signDocument({ key_id, verification_method, document, created: rfc3339(Date.now()) });
}

test('the next constitution is signed here, and everything signed from then on names it', async () => {
  const { con } = node.identity;
  const adopted = await node.identity.adoptConstitution(next(), known);
  expect(node.identity).toMatchObject({ con: adopted.con, constitution_version: 2 });
  expect(adopted.con).not.toBe(con);
  expect(adopted.constitution['proof']).toBeDefined();
  const id = await node.receipts.append(
    { request_id: 'r', nextStatement: () => 0 },
    {
      subject: [{ name: 'x', digest: { sha256: 'b'.repeat(64) } }],
      predicate_type: 'urn:signet:counts:v1',
      predicate: {},
    },
  );
  const stored = await node.receipts.get(id, 'node');
  const envelope = JSON.parse(Buffer.from(stored?.entry ?? '', 'base64').toString()) as { payload: string };
  expect(Buffer.from(envelope.payload, 'base64').toString()).toContain(adopted.con);
  await node.identity.adoptConstitution(next(), known);
  expect(node.identity.constitution_version).toBe(3);
});

test('one that was signed elsewhere by the root key is taken as it is', async () => {
  const signed = await signedByRoot(next({ policies: [{ id: 'policies', sha256: 'a'.repeat(64) }] }));
  const { constitution } = await node.identity.adoptConstitution(signed, known);
  expect(constitution).toEqual(signed);
});

test.each<[string, () => JsonObject | Promise<JsonObject>, string]>([
  ['the same version again', () => next({ version: 1 }), 'version'],
  ['a version left out', () => next({ version: 3 }), 'version'],
  ['another line', () => next({ prev: 'c'.repeat(64) }), 'prev'],
  ['no `prev`', () => next({ prev: null }), 'prev'],
  ['one that begins before the running one', () => next({ effective: 1 }), 'effective'],
  ['one of tomorrow', () => next({ effective: Math.floor(Date.now() / 1000) + 86_400 }), 'effective'],
  ['an effective that is no number', () => next({ effective: 'now' }), 'effective'],
  ['an unknown scorer', () => next({ scorers: [{ id: 'snr/9', sha256: 'd'.repeat(64) }] }), 'snr/9'],
  ['a scorer of another digest', () => next({ scorers: [{ id: 'snr/1', sha256: 'd'.repeat(64) }] }), 'snr/1'],
  ['a list that is missing', () => next({ lists: [{ id: 'words', sha256: 'd'.repeat(64) }] }), 'words'],
  ['a policy that is missing', () => next({ policies: [{ id: 'mine', sha256: 'd'.repeat(64) }] }), 'mine'],
  ['policies that are no list', () => next({ policies: {} }), 'policies'],
  ['a gate without its scorer', () => next({ scorers: [] }), 'G7'],
  ['a proof over other bytes', async () => ({ ...(await signedByRoot(next())), unscored: 'refuse' }), 'proof'],
  ['a proof that is none', () => next({ proof: {} }), 'proof'],
])('%s is refused, and the running constitution goes on', async (_, offered, word) => {
  const { con, constitution } = node.identity;
  const error = await node.identity.adoptConstitution(await offered(), known).then(
    () => undefined,
    (thrown: Error) => thrown,
  );
  expect(error).toBeInstanceOf(ConstitutionNotAdoptedError);
  expect(error?.message).toContain(word);
  expect(node.identity).toMatchObject({ con, constitution, constitution_version: 1 });
  expect(await node.table.get(constitutionKey(2), Date.now())).toBeUndefined();
});

test('rules that cannot be read are refused by the reader of rules', async () => {
  await expect(node.identity.adoptConstitution(next({ thresholds: {} }), known)).rejects.toThrow(
    ConstitutionRefusedError,
  );
});

test('a proof of another key than a root of this node is none', async () => {
  const other = await openTestNode();
  try {
    const [stranger] = await other.keys.list('root');
    const document = next();
    const signed = await other.keys.signDocument({
      key_id: stranger?.key_id ?? '',
      verification_method: verificationMethodId(other.identity.node_id, stranger?.key_id ?? ''),
      document,
      created: rfc3339(Date.now()),
    });
    await expect(node.identity.adoptConstitution(signed, known)).rejects.toThrow('root key');
  } finally {
    await other.close();
  }
});

test('of two that come at once one is adopted', async () => {
  const one = next();
  const other = next({ unscored: 'refuse' });
  const ends = await Promise.allSettled([
    node.identity.adoptConstitution(one, known),
    node.identity.adoptConstitution(other, known),
  ]);
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});
