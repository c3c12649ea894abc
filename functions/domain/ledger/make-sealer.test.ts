import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import type { Objects } from '../ports/objects.ts';
import { makeReceipts } from '../receipts/make-receipts.ts';
import type { Receipts, Statement } from '../receipts/receipts.ts';
import { countsType } from '../receipts/statement-types.ts';
import { lockKey, logObject } from './keys.ts';
import { LedgerHaltedError } from './ledger-halted.ts';
import { readLock } from './lock-row.ts';
import { openLogIdentity, type LogIdentity } from './log-identity.ts';
import type { Log } from './log.ts';
import { makeLog } from './make-log.ts';
import { makeSealer, type Sealer } from './make-sealer.ts';

/** Storage is on disk, and every test has a node of its own. */
jest.setTimeout(60_000);

let node: TestNode;
let identity: LogIdentity;
let log: Log;
let receipts: Receipts;
beforeEach(async () => {
  node = await openTestNode();
  identity = await openLogIdentity({ ...node, digest: node.compute.digest });
  log = makeLog({ ...node, ledger: node.compute.verify.ledger, log: identity });
  receipts = makeReceipts({ ...node, log });
});
afterEach(() => node.close());

const statement: Statement = {
  subject: [{ name: 'constitution', digest: { sha256: 'c'.repeat(64) } }],
  predicate_type: countsType,
  predicate: { counts: { malformed: 1 } },
};

function sealerOf(changed: Partial<Parameters<typeof makeSealer>[0]> = {}): Sealer {
  return makeSealer({ ...node, ledger: node.compute.verify.ledger, log: identity, ...changed });
}

function append(count: number): Promise<string[]> {
  const call = testCall();
  return Promise.all(Array.from({ length: count }, () => receipts.append(call, statement)));
}

/** The log of a node that sealed `count` entries. */
async function sealed(count: number): Promise<string[]> {
  const ids = await append(count);
  await sealerOf().seal();
  return ids;
}

test('a home of before the log gets a log key once, and a document that lists it', async () => {
  const [vkey] = identity.vkeys;
  expect(vkey).toMatch(/^signet\/z6Mk\w+\+[0-9a-f]{8}\+A\S{43}$/);
  expect(node.identity.document).toMatchObject({ seq: 1, log: { origin: identity.origin, vkeys: [vkey] } });
  const again = await openLogIdentity({ ...node, identity: await node.reopen(), digest: node.compute.digest });
  expect(again).toEqual(identity);
  expect((await node.keys.list('log')).length).toBe(1);
});

test('a start that died between the log key and its document takes the same key', async () => {
  const other = await openTestNode();
  try {
    const key = await other.keys.create('log');
    const opened = await openLogIdentity({ ...other, digest: other.compute.digest });
    expect(opened.signers.map(({ key_id }) => key_id)).toEqual([key.key_id]);
  } finally {
    await other.close();
  }
});

test('entries that wait are sealed in order, once, and each is found where it was put', async () => {
  const ids = [...(await append(3)), ...(await append(300))];
  expect(await sealerOf().seal()).toEqual({ kind: 'sealed', entries: 303, size: 303 });
  expect(await sealerOf().seal()).toEqual({ kind: 'idle' });
  expect(await log.totals()).toMatchObject({ size: 303, unsealed: [] });
  expect(await log.head()).toMatchObject({ size: 303, counts: { 'requests|none|malformed': 303 } });
  await append(2);
  expect(await log.totals()).toMatchObject({ size: 303, unsealed: [expect.anything(), expect.anything()] });
  const ids_in_log = await Promise.all(
    Array.from({ length: 303 }, async (_, index) => {
      const [opened] = await node.compute.verify.readEnvelopes([(await log.entry(index)) ?? new Uint8Array()]);
      return opened?.ok === true ? opened.id : undefined;
    }),
  );
  expect(ids_in_log).toEqual(ids);
});

test('a receipt reads the same before and after it is sealed, and then has its proof', async () => {
  const [id = ''] = await append(1);
  const before = await receipts.get(id, 'default');
  expect(await receipts.proof(id, 'default')).toEqual({ kind: 'pending' });
  await sealerOf().seal();
  expect(await receipts.get(id, 'default')).toEqual(before);
  const proof = await receipts.proof(id, 'default');
  expect(proof).toMatchObject({ kind: 'sealed', text: expect.stringMatching(/^c2sp.org\/tlog-proof@v1\nextra /) });
  expect(await receipts.proof(id, 'acme')).toBeUndefined();
  expect(await receipts.proof('0'.repeat(64), 'default')).toBeUndefined();
});

test('rounds are bounded in entries and in bytes, and go on', async () => {
  await append(10);
  const sizes = [];
  for (let round = await sealerOf({ entries_max: 4 }).seal(); round.kind === 'sealed'; ) {
    sizes.push(round.size);
    round = await sealerOf({ entries_max: 4 }).seal();
  }
  expect(sizes).toEqual([4, 8, 10]);
  await append(3);
  expect(await sealerOf({ bytes_max: 1 }).seal()).toMatchObject({ entries: 1 });
});

test('of two sealers at once one commits, and the log is one', async () => {
  const ids = await append(40);
  const rounds = await Promise.all([sealerOf().seal(), sealerOf().seal(), sealerOf().seal()]);
  expect(rounds.filter(({ kind }) => kind === 'sealed').length).toBeGreaterThan(0);
  await sealerOf().seal();
  expect((await log.head()).size).toBe(40);
  for (const id of ids) expect(await receipts.proof(id, 'default')).toMatchObject({ kind: 'sealed' });
});

test('an entry that a restored row brings back is not sealed twice', async () => {
  await append(1);
  const { rows } = await node.table.query({ pk: 'ledger#pending#0', limit: 10 }, node.now());
  await sealerOf().seal();
  const [row] = rows;
  if (row === undefined) throw new Error('nothing waited');
  await node.table.write({ kind: 'put', key: { pk: 'ledger#pending#0', sk: row.sk }, item: row.item }, node.now());
  expect(await sealerOf().seal()).toEqual({ kind: 'idle' });
  expect(await log.totals()).toMatchObject({ size: 1, unsealed: [] });
});

test('a table of an earlier time halts the log, and so does another root at the same size', async () => {
  await sealed(2);
  const early = await node.table.get(lockKey(), node.now());
  await sealed(2);
  if (early === undefined) throw new Error('nothing was committed');
  await node.table.write({ kind: 'put', key: lockKey(), item: early }, node.now());
  await append(1);
  await expect(sealerOf().seal()).rejects.toThrow('the published log has 4 entries, the table knows of 2');
  await node.table.write({ kind: 'put', key: lockKey(), item: { ...early, size: 4 } }, node.now());
  await expect(sealerOf().seal()).rejects.toThrow('another root than the table');
  expect((await log.head()).size).toBe(4);
});

test.each([
  ['a checkpoint that is not ours', 'checkpoint', 'the published checkpoint is not ours'],
  ['a tile with another hash', 'tile/0/000.p/2', 'do not fit together'],
  ['a bundle with another entry', 'tile/entries/000.p/2', 'do not fit together'],
])('%s halts the log', async (_case, path, reason) => {
  await sealed(2);
  const object = await node.objects.get(logObject(path));
  const bytes = Uint8Array.from(object?.body ?? []);
  bytes[40] = (bytes[40] ?? 0) ^ 1;
  await node.objects.put(logObject(path), bytes);
  await append(1);
  const round = sealerOf().seal();
  await expect(round).rejects.toBeInstanceOf(LedgerHaltedError);
  await expect(round).rejects.toThrow(reason);
  expect((await readLock(node)).size).toBe(2);
});

test.each(['tile/0/000.p/2', 'tile/entries/000.p/2'])('a lost %s halts the log', async (path) => {
  await sealed(2);
  await node.objects.delete(logObject(path));
  await append(1);
  await expect(sealerOf().seal()).rejects.toThrow('a tile of the published log is missing');
});

test('a tile that is there with other bytes halts the log after the commit, and nothing is published', async () => {
  await append(2);
  await node.objects.put(logObject('tile/0/000.p/2'), new Uint8Array(64));
  await expect(sealerOf().seal()).rejects.toThrow('has other bytes than the committed entries give');
  await expect(sealerOf().seal()).rejects.toBeInstanceOf(LedgerHaltedError);
  expect(await log.file('checkpoint')).toBeUndefined();
});

test('staged entries that were lost or changed after the commit halt the log', async () => {
  await append(2);
  let isDown = true;
  const objects: Objects = {
    ...node.objects,
    put: (key, ...rest) =>
      isDown && key.startsWith('log/') ? Promise.reject(new Error('away')) : node.objects.put(key, ...rest),
  };
  await expect(sealerOf({ objects }).seal()).rejects.toThrow('away');
  isDown = false;
  const { staged } = await readLock(node);
  const object = await node.objects.get(staged);
  await node.objects.delete(staged);
  await expect(sealerOf().seal()).rejects.toThrow('the staged entries of the last commit are missing');
  const bytes = Uint8Array.from(object?.body ?? []);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
  await node.objects.put(staged, bytes);
  await expect(sealerOf().seal()).rejects.toThrow('do not give the root that was committed');
  await node.objects.put(staged, object?.body ?? new Uint8Array());
  expect(await sealerOf().seal()).toMatchObject({ kind: 'sealed', size: 2 });
});

test('older checkpoints find their partial tiles: the beginnings of the widest one, which alone is kept', async () => {
  await sealed(3);
  const narrow = await Promise.all(['tile/0/000.p/3', 'tile/entries/000.p/3'].map((path) => log.file(path)));
  await sealed(2);
  expect((await node.objects.list({ prefix: 'log/tile/', limit: 100 })).keys).toEqual([
    'log/tile/0/000.p/5',
    'log/tile/entries/000.p/5',
  ]);
  const cut = await Promise.all(['tile/0/000.p/3', 'tile/entries/000.p/3'].map((path) => log.file(path)));
  expect(cut.map((file) => Buffer.from(file?.bytes ?? []))).toEqual(
    narrow.map((file) => Buffer.from(file?.bytes ?? [])),
  );
  await sealed(300);
  expect(Buffer.from((await log.file('tile/0/000.p/3'))?.bytes ?? [])).toEqual(Buffer.from(narrow[0]?.bytes ?? []));
  expect((await log.file('tile/1/000.p/1'))?.bytes.length).toBe(32);
  expect((await node.objects.list({ prefix: 'staging/', limit: 100 })).keys).toEqual([]);
});

test.each([
  'tile/0/000.p/6',
  'tile/0/000',
  'tile/0/001.p/1',
  'tile/1/000.p/1',
  'tile/0/000.p/0',
  'tile/0/000.p/05',
  'tile/0/000.p/256',
  'tile/00/000.p/5',
  'tile/0/x000/000.p/5',
  'tile/0/../../staging',
  'tile/entries/000.p/5/',
  '',
  'checkpoint/',
])('there is no file %s', async (path) => {
  await sealed(5);
  expect(await log.file('tile/0/000.p/5')).toBeDefined();
  expect(await log.file(path)).toBeUndefined();
});
