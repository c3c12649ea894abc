import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openWasmCompute } from '@signet/functions/adapters/wasm/wasm-compute.ts';
import { lockHome } from '@signet/functions/adapters/files/lock-home.ts';
import { multikey } from '@signet/functions/adapters/kms/multikey.ts';
import { readToken } from '@signet/functions/domain/api-keys/token.ts';
import { vkeyText } from '@signet/functions/domain/ledger/log-identity.ts';
import type { PublicKey } from '@signet/functions/domain/ports/keys.ts';
import { beginStage, type StageFacts } from './begin-stage.ts';
import { stagePlaces, type StagePlaces } from './stage-places.ts';

let folder: string;
let places: StagePlaces;
const kms = keyOfKms('issuer');

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-stage-'));
  places = {
    ...stagePlaces({ home: join(folder, 'home'), stage: 'dev' }),
    genesis: join(folder, 'public', 'dev.json'),
  };
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('a stage begins once: keys here, hashes and public halves in the genesis', async () => {
  const facts = await begin();
  expect(facts).toMatchObject({ genesis: 'made', root_key: 'here', owner_key: 'here', issuers: [kms.key_id] });
  const text = await readFile(places.genesis, 'utf8');
  const token = (await readFile(places.owner_key, 'utf8')).trim();
  const { id, secret } = readToken(token) ?? { id: '', secret: '' };
  expect(secret).toHaveLength(43);
  expect(text).not.toContain(secret);
  expect(text).toContain(id);
  expect(text).not.toContain('PRIVATE KEY');
  expect((await stat(places.owner_key)).mode & 0o777).toBe(0o600);
  expect((await stat(places.home)).mode & 0o777).toBe(0o700);
  const [root] = await readdir(places.identities);
  expect((await stat(join(places.identities, root ?? ''))).mode & 0o777).toBe(0o600);
  expect(await readFile(join(places.home, 'trust', 'self.json'), 'utf8')).toContain(facts.node_id);
});

test('run again it verifies and changes no byte, with KMS or without', async () => {
  const made = await begin();
  const text = await readFile(places.genesis, 'utf8');
  expect(await begin()).toEqual({ ...made, genesis: 'verified' });
  expect(await begin({ issuer: undefined })).toMatchObject({ genesis: 'verified', issuer_checked: false });
  expect(await readFile(places.genesis, 'utf8')).toBe(text);
});

test('a published file that went is published again as it was', async () => {
  const made = await begin();
  const text = await readFile(places.genesis, 'utf8');
  await rm(places.genesis);
  expect(await begin({ issuer: undefined })).toMatchObject({ genesis: 'restored', node_id: made.node_id });
  expect(await readFile(places.genesis, 'utf8')).toBe(text);
});

test('a run that died in between is taken up with the keys that it left', async () => {
  const first = await begin();
  const token = await readFile(places.owner_key, 'utf8');
  // As if it had died after the keys were there and before anything was published.
  await rm(places.genesis);
  await rm(places.genesis_kept);
  const again = await begin();
  expect(again).toMatchObject({ genesis: 'made', node_id: first.node_id });
  expect(await readFile(places.owner_key, 'utf8')).toBe(token);
  expect(await readdir(places.identities)).toHaveLength(1);
});

test('another machine verifies the public file and says what it does not have', async () => {
  const { node_id } = await begin();
  await rename(places.home, join(folder, 'elsewhere'));
  const facts = await begin();
  expect(facts).toMatchObject({ genesis: 'verified', node_id, root_key: 'elsewhere', owner_key: 'elsewhere' });
  await expect(readFile(places.owner_key)).rejects.toMatchObject({ code: 'ENOENT' });
});

test('without the issuer key nothing begins and nothing is left behind', async () => {
  await expect(begin({ issuer: undefined })).rejects.toThrow('expected the issuer key of the deployed State stack');
  const gone = begin({ issuer: () => Promise.reject(new Error('no such key')) });
  await expect(gone).rejects.toThrow('no such key');
  expect(await readdir(places.home)).toEqual([]);
});

test.each<[string, () => Promise<void>, RegExp]>([
  ['a file of another stage', () => edit({ stage: 'prod' }), /the genesis of stage `dev`, got that of `prod`/],
  ['a document that was changed', () => edit({ constitution: { version: 1, prev: null } }), /not what the root key/],
  ['text that is no JSON', () => writeBoth('{'), /expected JSON/],
  ['a copy that differs', () => writeFile(places.genesis_kept, '{}'), /restore it from version/],
  ['a foreign owner key', () => foreign('owner.key'), /the owner's key that .* found another/],
  ['a foreign root key', () => foreign('identities'), /expected the root key of did:key:/],
])('%s is refused, and the files stay', async (_what, damage, message) => {
  await begin();
  await damage();
  const before = await readFile(places.genesis, 'utf8');
  await expect(begin()).rejects.toThrow(message);
  expect(await readFile(places.genesis, 'utf8')).toBe(before);
});

test('the issuer key of another State stack is refused', async () => {
  await begin();
  const other = keyOfKms('issuer');
  await expect(begin({ issuer: async () => other })).rejects.toThrow(`${kms.key_id} of ${places.genesis} in KMS, got`);
});

test('two at once: one begins, the other is told', async () => {
  const lock = await lockHome({ home: places.home, facts: { started_at: 0 } });
  await expect(begin()).rejects.toMatchObject({ name: 'HomeInUseError' });
  await lock.release();
  expect(await begin()).toMatchObject({ genesis: 'made' });
});

test('a log key of KMS is listed with its verifier key; without one the node has no log', async () => {
  const log = keyOfKms('log');
  expect(await begin()).toMatchObject({ logs: [] });
  await Promise.all([places.genesis, places.genesis_kept].map((path) => rm(path)));
  expect(await begin({ log: async () => log })).toMatchObject({ genesis: 'made', logs: [log.key_id] });
  const { node_document } = JSON.parse(await readFile(places.genesis, 'utf8')) as {
    node_document: { log: { origin: string; vkeys: string[] } };
  };
  const { origin, vkeys } = node_document.log;
  const { digest } = await openWasmCompute();
  expect(vkeys).toEqual([await vkeyText({ origin, key: log, digest })]);
});

async function begin(
  changes: { issuer?: (() => Promise<PublicKey>) | undefined; log?: () => Promise<PublicKey> } = {},
): Promise<StageFacts> {
  const { sign, verify, digest } = await openWasmCompute();
  const issuer = 'issuer' in changes ? changes.issuer : async () => kms;
  return await beginStage({
    stage: 'dev',
    places,
    issuer,
    log: changes.log,
    sign,
    verify,
    digest,
    now: Date.now,
    newId: randomUUID,
    random: randomBytes,
  });
}

/** The public half is all that a genesis has of it. */
function keyOfKms(role: 'issuer' | 'log'): PublicKey {
  const public_key = randomBytes(32);
  return { key_id: multikey(public_key), role, public_key, custody: 'kms' };
}

async function edit(changes: object): Promise<void> {
  const genesis = JSON.parse(await readFile(places.genesis, 'utf8')) as object;
  await writeBoth(JSON.stringify({ ...genesis, ...changes }));
}

async function writeBoth(text: string): Promise<void> {
  for (const path of [places.genesis, places.genesis_kept]) await writeFile(path, text);
}

/** Puts a file or folder of another stage in the place of this one's. */
async function foreign(name: string): Promise<void> {
  const own = places;
  const other = stagePlaces({ home: join(folder, 'other'), stage: 'dev' });
  places = { ...other, genesis: join(folder, 'other.json') };
  await begin();
  places = own;
  await rm(join(own.home, name), { recursive: true });
  await rename(join(other.home, name), join(own.home, name));
}
