import { createHash, createPrivateKey, createPublicKey, randomBytes, verify } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { multikey } from '../../functions/adapters/kms/multikey.ts';
import type { JsonObject } from '../../functions/domain/json.ts';
import { startNode, waitFor, type RunningNode } from '../e2e/running-node.ts';
import { countableHeap } from '../fixtures/heap-counts.ts';

/** Identities, signatures and messages over HTTP, on a node whose private keys this test knows: it planted them. */

let home: string;
let snapshots: string;
let node: RunningNode;
/** Seeds of the root, issuer and log keys, and of every identity that was made. */
const seeds: Buffer[] = [];
/** Every byte that the node answered. */
const answered: string[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-identity-'));
  snapshots = join(home, 'snapshots');
  await mkdir(snapshots);
  await mkdir(join(home, 'identities'), { mode: 0o700 });
  for (const role of ['root', 'issuer', 'log']) await plant(role);
  node = await start();
}, 120_000);
afterAll(async () => {
  await node?.stop();
  await rm(home, { recursive: true, force: true });
}, 30_000);

const start = () =>
  startNode({ home, environment: { SIGNET_COMPUTE: 'wasm', NODE_OPTIONS: countableHeap(snapshots) } });

const pkcs8 = Buffer.from('302e020100300506032b657004220420', 'hex');
const spki = Buffer.from('302a300506032b6570032100', 'hex');

async function plant(role: string): Promise<void> {
  const seed = randomBytes(32);
  seeds.push(seed);
  const key = createPrivateKey({ key: Buffer.concat([pkcs8, seed]), format: 'der', type: 'pkcs8' });
  const raw = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12);
  const pem = key.export({ format: 'pem', type: 'pkcs8' });
  await writeFile(join(home, 'identities', `${role}-${multikey(raw)}.pem`), pem, { mode: 0o600 });
}

async function send(path: string, body: unknown, headers: Record<string, string> = {}) {
  const answer = await fetch(`${node.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${node.owner_key}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  answered.push(text, JSON.stringify([...answer.headers]));
  return { status: answer.status, body: JSON.parse(text) as JsonObject, headers: answer.headers };
}
const generate = (body: object = {}, headers = {}) => send('/api/v1/identity/generate', body, headers);
const signing = (body: object, headers = {}) => send('/api/v1/identity/sign', body, headers);
const verifying = (body: object) => send('/api/v1/identity/verify', body);
const creating = (body: object, headers = {}) => send('/api/v1/pci/envelope/create', body, headers);
const judging = (envelope: unknown, consume = false) => send('/api/v1/pci/envelope/verify', { envelope, consume });

function holds({ public_key, signature, payload_type }: JsonObject, payload: string): boolean {
  const key = createPublicKey({
    key: Buffer.concat([spki, Buffer.from(public_key as string, 'hex')]),
    format: 'der',
    type: 'spki',
  });
  const type = payload_type as string;
  const pae = `DSSEv1 ${type.length} ${type} ${Buffer.byteLength(payload)} ${payload}`;
  return verify(null, Buffer.from(pae), key, Buffer.from(signature as string, 'hex'));
}

describe('managed identities', () => {
  test('are made once for a label, with a receipt and without a private key', async () => {
    const { status, body, headers } = await generate({ label: 'courier', purpose: 'service' });
    expect(status).toBe(201);
    expect(Object.keys(body).sort()).toEqual(
      ['node_id', 'public_key', 'key_id', 'custody', 'expires_at', 'purpose', 'label', 'delegation'].sort(),
    );
    expect(headers.get('signet-receipt')).toMatch(/^[0-9a-f]{64}$/);
    expect(await generate({ label: 'courier' })).toMatchObject({ status: 409, body: { code: 'identity_exists' } });
  });

  test('are made once for an idempotency key', async () => {
    const key = { 'idempotency-key': 'make-1' };
    const first = await generate({ purpose: 'agent' }, key);
    const again = await generate({ purpose: 'agent' }, key);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect((await generate({ purpose: 'service' }, key)).status).toBe(422);
  });

  test('sign text, which another implementation verifies', async () => {
    const { status, body, headers } = await signing({ message: 'olá, mundo' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ payload_type: 'application/vnd.signet.text.v1' });
    expect(holds(body, 'olá, mundo')).toBe(true);
    expect(headers.get('signet-receipt')).toMatch(/^[0-9a-f]{64}$/);
    const { public_key = '', signature = '' } = body;
    expect((await verifying({ message: 'olá, mundo', public_key, signature })).body).toEqual({ valid: true });
    expect((await verifying({ message: 'ola', public_key, signature })).body).toEqual({
      valid: false,
      code: 'sig.invalid',
    });
    const payload = Buffer.from('order 7').toString('base64');
    const order = await signing({ payload, payload_type: 'application/vnd.acme.order+json' });
    expect(holds(order.body, 'order 7')).toBe(true);
  });

  test.each<[string, object, number, string]>([
    ['a statement', { payload: 'e30=', payload_type: 'application/vnd.in-toto+json' }, 403, 'envelope.type'],
    ['a message', { payload: 'e30=', payload_type: 'application/vnd.signet.message.v1+json' }, 403, 'envelope.type'],
    ['a note', { payload: 'e30=', payload_type: 'text/x.tlog.note' }, 403, 'envelope.type'],
    ['too much', { message: 'x'.repeat(3901) }, 413, 'envelope.payload_size'],
  ])('do not sign %s', async (_what, body, status, reason) => {
    expect(await signing(body)).toMatchObject({ status, body: { reason } });
  });

  test.each([
    ['nothing', {}],
    ['both', { message: 'a', payload: 'YQ==', payload_type: 'text/plain' }],
    ['bytes without a type', { payload: 'YQ==' }],
    ['base64 that is none', { payload: 'YQ', payload_type: 'text/plain' }],
  ])('refuse to sign %s: 400', async (_what, body) => {
    expect(await signing(body)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
  });

  test('that are not there are 404', async () => {
    const key_id = 'z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp';
    expect(await signing({ message: 'a', key_id })).toMatchObject({
      status: 404,
      body: { code: 'identity_not_found' },
    });
    expect(await creating({ payload: 1, key_id })).toMatchObject({ status: 404 });
  });
});

describe('signatures', () => {
  test('are judged in the order of their items', async () => {
    const { body } = await signing({ message: 'a' });
    const good = { message: 'a', public_key: body['public_key'], signature: body['signature'] };
    const bad = { ...good, message: 'b' };
    const zero = { ...good, public_key: '00'.repeat(32) };
    const { status, body: verdicts } = await verifying({ items: [good, bad, zero, good] });
    expect(status).toBe(200);
    expect(verdicts).toEqual({
      results: [
        { valid: true },
        { valid: false, code: 'sig.invalid' },
        { valid: false, code: 'key.malformed' },
        { valid: true },
      ],
      all_valid: false,
    });
    expect((await verifying({ items: Array.from({ length: 1000 }, () => good) })).body).toMatchObject({
      all_valid: true,
    });
    expect((await verifying({ items: Array.from({ length: 1001 }, () => good) })).status).toBe(400);
    expect((await verifying({ items: [] })).status).toBe(400);
  });

  test.each([
    ['hex that is none', { signature: 'xy'.repeat(64) }],
    ['an odd digit', { signature: 'a'.repeat(127) }],
    ['a short signature', { signature: 'ab'.repeat(63) }],
    ['a long key', { public_key: 'ab'.repeat(33) }],
    ['a key in base64', { public_key: Buffer.alloc(32).toString('base64') }],
  ])('with %s are 400, alone and among others', async (_what, change) => {
    const item = { message: 'a', public_key: 'ab'.repeat(32), signature: 'ab'.repeat(64), ...change };
    expect((await verifying(item)).status).toBe(400);
    expect((await verifying({ items: [{ ...item, ...change }] })).status).toBe(400);
  });
});

describe('messages', () => {
  test('are made, judged, and admitted once, also after the node was killed', async () => {
    const made = await creating({ payload: { order: 7 }, ttl: 600 }, { 'idempotency-key': 'envelope-1' });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ content_hash: createHash('sha256').update('{"order":7}').digest('hex') });
    expect((await creating({ payload: { order: 7 }, ttl: 600 }, { 'idempotency-key': 'envelope-1' })).body).toEqual(
      made.body,
    );
    const { envelope, id } = made.body;
    expect(await judging(envelope)).toMatchObject({ status: 200, body: { valid: true, id } });
    // Byte for byte as well as parsed.
    expect((await judging(JSON.stringify(envelope))).body).toMatchObject({ valid: true });

    const all = await Promise.all(Array.from({ length: 12 }, () => judging(envelope, true)));
    const admitted = all.filter(({ status }) => status === 200);
    expect(admitted).toHaveLength(1);
    const first_verdict = admitted[0]?.headers.get('signet-receipt');
    for (const { status, body } of all.filter((one) => one !== admitted[0])) {
      expect(status).toBe(409);
      expect(body).toMatchObject({ code: 'replay', reason: 'replay.seen', valid: false, id, first_verdict });
    }
    await node.kill();
    node = await start();
    expect(await judging(envelope, true)).toMatchObject({ status: 409, body: { first_verdict } });
    expect((await judging(envelope)).body).toMatchObject({ valid: true });
  }, 120_000);

  test('whose payload is too large to sign are stored, and their digests signed', async () => {
    const payload = 'x'.repeat(250_000);
    const { status, body } = await creating({ payload });
    expect(status).toBe(201);
    expect(body['content_ref']).toBe(body['content_hash']);
    expect((await judging(body['envelope'])).body).toMatchObject({ valid: true });
    expect((await creating({ payload: 'x'.repeat(262_143) })).status).toBe(413);
  });

  test.each<[string, object, number, string]>([
    ['an unknown origin', { provenance: [{ id: 'a'.repeat(64), digest: 'b'.repeat(64) }] }, 422, 'digest_mismatch'],
    ['no time to live', { ttl: 0 }, 400, 'invalid_request'],
    ['more than an hour', { ttl: 3601 }, 400, 'invalid_request'],
    ['an origin as text', { provenance: ['x'] }, 400, 'invalid_request'],
    [
      '65 origins',
      { provenance: Array.from({ length: 65 }, () => ({ id: 'a'.repeat(64), digest: 'b'.repeat(64) })) },
      400,
      'invalid_request',
    ],
    ['no payload', { payload: undefined }, 400, 'invalid_request'],
  ])('with %s are refused', async (_what, change, status, code) => {
    expect(await creating({ payload: 1, ...change })).toMatchObject({ status, body: { code } });
  });

  test('that are refused say at which check, and are 200', async () => {
    expect(await judging({})).toMatchObject({
      status: 200,
      body: { valid: false, code: 'envelope.shape', checks: [{ check: 'form', ok: false, code: 'envelope.shape' }] },
    });
    const refused = await judging('{', true);
    expect(refused).toMatchObject({ status: 200, body: { valid: false, code: 'json.syntax' } });
    expect(refused.headers.get('signet-receipt')).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('the canary', () => {
  /** A private key in every form in which it could stand somewhere. */
  function forms(seed: Buffer): readonly Buffer[] {
    const der = Buffer.concat([pkcs8, seed]);
    const scalar = createHash('sha512').update(seed).digest();
    const texts = [seed, scalar.subarray(0, 32), scalar].flatMap((bytes) => [
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      bytes.toString('base64').replace(/=+$/, ''),
      bytes.toString('base64url'),
    ]);
    return [seed, scalar.subarray(0, 32), ...[...texts, der.toString('base64')].map((text) => Buffer.from(text))];
  }

  async function filesUnder(folder: string): Promise<readonly string[]> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  }

  test('no private key leaves its file: not by answers, logs, rows, objects or the heap', async () => {
    await generate({ label: 'last' });
    await signing({ message: 'last' });
    for (const name of await readdir(join(home, 'identities'))) {
      if (!name.startsWith('agent-')) continue;
      const pem = await readFile(join(home, 'identities', name), 'utf8');
      const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
      seeds.push(der.subarray(-32));
    }
    expect(seeds.length).toBeGreaterThan(4);

    const { pid } = JSON.parse(await readFile(join(home, 'lock'), 'utf8')) as { pid: number };
    process.kill(pid, 'SIGUSR2');
    const snapshot = await waitFor('the heap snapshot', async () => {
      const [name] = (await readdir(snapshots)).filter((file) => file.endsWith('.heapsnapshot'));
      if (name === undefined) return undefined;
      const bytes = await readFile(join(snapshots, name));
      return bytes.at(-1) === '}'.charCodeAt(0) || bytes.at(-2) === '}'.charCodeAt(0) ? bytes : undefined;
    });
    const output = node.output();
    await node.stop();
    const places: [string, Buffer][] = [
      ['answers', Buffer.from(answered.join('\n'))],
      ['output', Buffer.from(output + node.output())],
      ['heap', snapshot],
    ];
    for (const file of await filesUnder(home)) {
      if (!file.includes('/identities/') && !file.includes('/snapshots/')) places.push([file, await readFile(file)]);
    }
    expect(places.some(([place]) => place.endsWith('signet.db'))).toBe(true);
    const found = places.flatMap(([place, bytes]) =>
      seeds.flatMap(forms).some((form) => bytes.includes(form)) ? [place] : [],
    );
    expect(found).toEqual([]);
    // The search finds what is there: each key in its own file.
    for (const file of await filesUnder(join(home, 'identities'))) {
      const bytes = await readFile(file);
      expect(seeds.flatMap(forms).some((form) => bytes.includes(form))).toBe(true);
    }
  }, 120_000);
});
