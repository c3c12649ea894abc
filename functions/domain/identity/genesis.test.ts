import { mkdtemp, rm } from 'node:fs/promises';
import { randomBytes, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { allowAll } from '../../../tests/fixtures/open-test-node.ts';
import { fileKeys } from '../../adapters/files/file-keys.ts';
import { fileObjects } from '../../adapters/files/file-objects.ts';
import { openDatabase } from '../../adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../adapters/sqlite/sqlite-table.ts';
import { openWasmCompute, type WasmCompute } from '../../adapters/wasm/wasm-compute.ts';
import { makeApiKeys } from '../api-keys/make-api-keys.ts';
import { newToken, tokenText } from '../api-keys/token.ts';
import { makeContent } from '../content/content.ts';
import { makeJudge } from '../decisions/make-judge.ts';
import type { JsonObject } from '../json.ts';
import { KeyRefusedError, type Keys } from '../ports/keys.ts';
import type { Table } from '../ports/table.ts';
import { makeReceipts } from '../receipts/make-receipts.ts';
import { verifyReceipt } from '../verify/verify-receipt.ts';
import { adoptGenesis } from './adopt-genesis.ts';
import { readGenesis, type Genesis } from './genesis.ts';
import { IdentityBrokenError } from './identity-broken.ts';
import { nodeKey } from './keys.ts';
import { makeGenesis } from './make-genesis.ts';
import { openIdentity } from './open-identity.ts';

const random = (length: number): Uint8Array => randomBytes(length);
const now = Date.now;
const newId = randomUUID;
let folder: string;
let compute: WasmCompute;
/** Of the owner's machine: holds the root key. */
let owner_keys: Keys;
/** Of the cloud: holds the issuer key, and no root key. */
let cloud_keys: Keys;
let owner_token: string;
let genesis: Genesis;
const closers: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-genesis-'));
  compute = await openWasmCompute();
  const keysIn = (name: string) => fileKeys({ folder: join(folder, name), sign: () => compute.sign, random });
  owner_keys = keysIn('owner');
  cloud_keys = keysIn('cloud');
  owner_token = tokenText(newToken({ newId, random }));
  genesis = await newGenesis();
});
afterAll(async () => {
  for (const close of closers) await close();
  await rm(folder, { recursive: true });
});

async function newGenesis(changed: Partial<Parameters<typeof makeGenesis>[0]> = {}): Promise<Genesis> {
  const issuer = (await cloud_keys.list()).find(({ role }) => role === 'issuer') ?? (await cloud_keys.create('issuer'));
  return makeGenesis({ stage: 'dev', keys: owner_keys, issuer, owner_token, now: now(), ...changed });
}

async function emptyTable(): Promise<Table> {
  const database = await openDatabase({ path: join(folder, `${newId()}.db`) });
  closers.push(() => database.close());
  return sqliteTable(database);
}

const read = (value: unknown, stage = 'dev') =>
  readGenesis({ text: JSON.stringify(value), stage, verify: compute.verify });
const adopt = (table: Table, adopted = genesis) =>
  adoptGenesis({ genesis: adopted, table, digest: compute.digest, now, single_user: true });
const open = (table: Table, keys = cloud_keys) =>
  openIdentity({ table, keys, verify: compute.verify, digest: compute.digest, now, newId, genesis });

test('what was made is read again, and holds no secret', async () => {
  expect(await read(genesis)).toEqual(genesis);
  const text = JSON.stringify(genesis);
  expect(text).not.toContain(owner_token.split('_')[2]);
  expect(genesis.node_document).toMatchObject({ verificationMethod: [{ role: 'root' }, { role: 'issuer' }] });
});

test('a run that is repeated signs with the same root key', async () => {
  expect((await newGenesis()).node_document.id).toBe(genesis.node_document.id);
});

test('a token or an issuer of another form makes no genesis', async () => {
  await expect(newGenesis({ owner_token: 'sg_no' })).rejects.toThrow(TypeError);
  const [root] = await owner_keys.list();
  if (root === undefined) throw new Error('expected a root key');
  await expect(newGenesis({ issuer: root })).rejects.toThrow(TypeError);
});

test.each<[string, (made: Genesis) => unknown, RegExp]>([
  ['another format', (made) => ({ ...made, format: 2 }), /format/],
  ['a field too many', (made) => ({ ...made, secret: 'x' }), /secret/],
  ['no node document', (made) => ({ ...made, node_document: undefined }), /node_document/],
  ['another seq', (made) => ({ ...made, node_document: { ...made.node_document, seq: 1 } }), /node document 0/],
  [
    'a changed document',
    (made) => ({ ...made, node_document: { ...made.node_document, x: 1 } }),
    /`node_document`.*sig/,
  ],
  ['another version', (made) => ({ ...made, constitution: { ...made.constitution, version: 2 } }), /constitution 1/],
  [
    'a changed constitution',
    (made) => ({ ...made, constitution: { ...made.constitution, v: 2 } }),
    /`constitution`.*sig/,
  ],
  [
    'a hash that is none',
    (made) => ({ ...made, owner_key: { ...made.owner_key, secret_sha256: 'A' } }),
    /secret_sha256/,
  ],
  [
    'an id that is no key',
    (made) => ({ ...made, node_document: { ...made.node_document, id: 'did:key:z6' } }),
    /did:key/,
  ],
])('a genesis with %s is refused', async (_what, change, reason) => {
  await expect(read(change(genesis))).rejects.toThrow(reason);
});

test('a genesis of another stage, or one that is no JSON, is refused', async () => {
  await expect(read(genesis, 'prod')).rejects.toThrow('expected the genesis of stage `prod`, got that of `dev`');
  await expect(readGenesis({ text: '{', stage: 'dev', verify: compute.verify })).rejects.toThrow('expected JSON');
});

test('a constitution that another root key signed is refused', async () => {
  const stranger = fileKeys({ folder: join(folder, 'stranger'), sign: () => compute.sign, random });
  const { constitution } = await newGenesis({ keys: stranger });
  await expect(read({ ...genesis, constitution })).rejects.toThrow(/`constitution` is not what the root key signed/);
});

test('an empty table adopts it once, however many start', async () => {
  const table = await emptyTable();
  const adopted = await Promise.all(Array.from({ length: 8 }, () => adopt(table)));
  expect(adopted.filter(({ is_new }) => is_new)).toHaveLength(1);
  expect(new Set(adopted.map(({ node_id }) => node_id)).size).toBe(1);
  expect(await adopt(table)).toEqual({ node_id: genesis.node_document.id, is_new: false });
});

test('the identity opens without a root key, its receipts hold, and the owner is let in', async () => {
  const table = await emptyTable();
  const identity = await open(table);
  expect(identity).toMatchObject({ is_new: true, document: genesis.node_document, constitution: genesis.constitution });
  expect(await open(table)).toMatchObject({ is_new: false, node_id: identity.node_id, con: identity.con });

  const content = makeContent({ objects: fileObjects({ root: folder }), digest: compute.digest, random });
  const receipts = makeReceipts({ table, keys: cloud_keys, identity, content, now });
  const judge = makeJudge({ policy: allowAll, receipts, content });
  const apiKeys = makeApiKeys({ table, judge, now, newId, random, single_user: true });
  expect(await apiKeys.authenticate(owner_token)).toMatchObject({ tenant: 'default', id: genesis.owner_key.id });
  expect(await apiKeys.authenticate(`${owner_token.slice(0, -1)}_`)).toBeUndefined();

  const id = await receipts.append(
    { request_id: newId(), nextStatement: () => 0 },
    {
      subject: [{ name: 'constitution', digest: { sha256: identity.con } }],
      predicate_type: 'urn:signet:counts:v1',
      predicate: { counts: {} },
    },
  );
  const bytes = Buffer.from(JSON.stringify(await receipts.get(id, 'default')));
  const verdict = await verifyReceipt({ bytes, ...compute, trust: [genesis.node_document.id] });
  expect(verdict).toMatchObject({ valid: true, exit: 0 });
});

test('a table that holds another node stops the start', async () => {
  const table = await emptyTable();
  const facts = { table, verify: compute.verify, digest: compute.digest, now, newId };
  await openIdentity({ ...facts, keys: fileKeys({ folder: join(folder, 'other'), sign: () => compute.sign, random }) });
  await expect(open(table)).rejects.toThrow(IdentityBrokenError);
  await expect(open(table)).rejects.toThrow(/expected the table of node `did:key:.*found that of "did:key:/);
});

test('a table whose node lost its name stops the start', async () => {
  const table = await emptyTable();
  await adopt(table);
  await table.write({ kind: 'delete', key: nodeKey() }, now());
  await expect(adopt(table)).rejects.toThrow(IdentityBrokenError);
});

test.each<[string, (made: Genesis) => Genesis | Promise<Genesis>]>([
  ['owner', (made) => ({ ...made, owner_key: { ...made.owner_key, label: 'other' } })],
  ['time', () => newGenesis({ now: now() + 60_000 })],
])('a genesis with another %s than the table began with stops the start', async (_what, change) => {
  const table = await emptyTable();
  await adopt(table);
  await expect(adopt(table, await change(genesis))).rejects.toThrow(/expected the genesis that the node began with/);
});

test('where the issuer key of the genesis is not held, no session is vouched for', async () => {
  const elsewhere = fileKeys({ folder: join(folder, 'elsewhere'), sign: () => compute.sign, random });
  await elsewhere.create('issuer');
  const identity = await open(await emptyTable(), elsewhere);
  await expect(identity.session()).rejects.toThrow(KeyRefusedError);
});

test('a genesis without an issuer key is refused', async () => {
  const root = genesis.node_document.id.slice('did:key:'.length);
  const { proof: _, ...document } = genesis.node_document;
  const verificationMethod = (document['verificationMethod'] as JsonObject[]).slice(0, 1);
  const node_document = await owner_keys.signDocument({
    key_id: root,
    verification_method: `${genesis.node_document.id}#${root}`,
    document: { ...document, verificationMethod },
    created: genesis.created_at,
  });
  await expect(read({ ...genesis, node_document })).rejects.toThrow(/issuer key/);
});
