import { chmod, readdir } from 'node:fs/promises';
import { createPublicKey, verify as verifyPlain } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { SignetError } from '../errors.ts';
import { findSigningKey } from '../identity/signing-keys.ts';
import { KeyRefusedError, type Keys } from '../ports/keys.ts';
import type { Identities } from './identities.ts';
import { makeIdentities } from './make-identities.ts';

let node: TestNode;
let identities: Identities;
let now = 1_900_000_000_000;
const textType = 'application/vnd.signet.text.v1';
const hello = new TextEncoder().encode('olá');

beforeAll(async () => {
  node = await openTestNode({ now: () => now });
  identities = makeIdentities({ ...node, verify: node.compute.verify });
});
afterAll(() => node.close());

const make = async (label?: string, call = testCall()) =>
  (await identities.generate(call, { ...(label === undefined ? {} : { label }), purpose: 'agent' })).value;

/** The code and reason of what was thrown. */
async function refusalOf(work: Promise<unknown>): Promise<object> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SignetError)) throw new Error('expected a refusal', { cause: error });
  const { code, reason } = error.public;
  return { code, ...(reason === undefined ? {} : { reason }) };
}

/** By another implementation: Node's own Ed25519 over a PAE that is written here. */
function holds(given: { public_key: string; signature: string; payload_type: string }, payload: Uint8Array): boolean {
  const key = createPublicKey({
    key: Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(given.public_key, 'hex')]),
    format: 'der',
    type: 'spki',
  });
  const head = `DSSEv1 ${Buffer.byteLength(given.payload_type)} ${given.payload_type} ${payload.length} `;
  return verifyPlain(null, Buffer.concat([Buffer.from(head), payload]), key, Buffer.from(given.signature, 'hex'));
}

describe('an identity is made', () => {
  test('with a key of its own, vouched for by the node for at most a year', async () => {
    const judged = await identities.generate(testCall(), { label: 'billing', purpose: 'service' });
    const made = judged.value;
    expect(made).toMatchObject({ label: 'billing', purpose: 'service', custody: 'file' });
    expect(made.node_id).toBe(`did:key:${made.key_id}`);
    expect(made.public_key).toMatch(/^[0-9a-f]{64}$/);
    expect(made.expires_at - made.created).toBeLessThanOrEqual(365 * 86_400);
    expect(await node.receipts.get(judged.receipt, 'default')).toBeDefined();

    const registered = await findSigningKey({ table: node.table, now, document: node.identity.document }, made.key_id);
    expect(registered).toMatchObject({ owner: node.identity.node_id, role: 'agent', delegation: made.delegation });
    const delegation = await node.identity.delegation(made.delegation);
    const [opened] = await node.compute.verify.openEnvelopes([
      {
        envelope: Buffer.from(delegation?.envelope ?? ''),
        public_key: (await node.keys.list('issuer'))[0]?.public_key ?? new Uint8Array(),
      },
    ]);
    expect(opened).toMatchObject({ ok: true });
  });

  test('and the keys of the node stay as they were', async () => {
    const before = (await node.keys.list()).filter(({ role }) => role === 'root' || role === 'issuer');
    await make();
    const after = (await node.keys.list()).filter(({ role }) => role === 'root' || role === 'issuer');
    expect(after).toEqual(before);
  });

  test('once for each label of a tenant, also when two ask at once', async () => {
    await make('once');
    expect(await refusalOf(make('once'))).toEqual({ code: 'identity_exists' });
    const both = await Promise.allSettled([make('twice'), make('twice'), make('twice')]);
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await make('once', testCall({ tenant: 'other' }));
    await make('#/../\u00e9');
  });

  test('and a label that was held by a process that died is free after a minute', async () => {
    const keys: Keys = { ...node.keys, create: () => Promise.reject(new Error('the power went')) };
    const failing = makeIdentities({ ...node, keys, verify: node.compute.verify });
    await expect(failing.generate(testCall(), { label: 'held', purpose: 'agent' })).rejects.toThrow(SignetError);
    expect(await refusalOf(make('held'))).toEqual({ code: 'identity_exists' });
    now += 61_000;
    expect((await make('held')).label).toBe('held');
  });

  test('not where no key of a caller can be kept', async () => {
    const keys: Keys = { ...node.keys, create: () => Promise.reject(new KeyRefusedError('not here')) };
    const elsewhere = makeIdentities({ ...node, keys, verify: node.compute.verify });
    expect(await refusalOf(elsewhere.generate(testCall(), { purpose: 'agent' }))).toEqual({
      code: 'not_built',
      reason: 'feature.off',
    });
  });
});

describe('an identity signs', () => {
  test('text, which another implementation verifies over its PAE', async () => {
    const { key_id } = await make();
    const { value, receipt } = await identities.sign(testCall(), { payload_type: textType, payload: hello, key_id });
    expect(value).toMatchObject({ key_id, payload_type: textType });
    expect(holds(value, hello)).toBe(true);
    expect(holds(value, Buffer.from('ola'))).toBe(false);
    expect(holds({ ...value, payload_type: 'text/plain' }, hello)).toBe(false);
    expect(value.envelope).toMatchObject({ payload: Buffer.from(hello).toString('base64'), payloadType: textType });
    expect(await node.receipts.get(receipt, 'default')).toBeDefined();
  });

  test('with the oldest live one when none is named', async () => {
    const call = testCall({ tenant: 'fresh' });
    expect(await refusalOf(identities.sign(call, { payload_type: textType, payload: hello }))).toEqual({
      code: 'identity_not_found',
    });
    const first = await make(undefined, call);
    now += 1000;
    const second = await make(undefined, call);
    const sign = async () => (await identities.sign(call, { payload_type: textType, payload: hello })).value.key_id;
    expect(await sign()).toBe(first.key_id);
    await identities.revoke(call, first.key_id);
    expect(await sign()).toBe(second.key_id);
    expect((await identities.list(call)).map(({ revoked_at }) => revoked_at !== undefined)).toEqual([true, false]);
  });

  test.each([
    ['a statement type', 'application/vnd.in-toto+json', 'signature_refused', 'envelope.type'],
    ['a type of ours', 'application/vnd.signet.message.v1+json', 'signature_refused', 'envelope.type'],
    ['a note', 'text/x.tlog.checkpoint', 'signature_refused', 'envelope.type'],
    ['a vote', 'application/vnd.signet.vote.v1', 'signature_refused', 'envelope.type'],
    ['no media type', 'text', 'signature_refused', 'envelope.type'],
  ])('not under %s', async (_what, payload_type, code, reason) => {
    expect(await refusalOf(identities.sign(testCall(), { payload_type, payload: hello }))).toEqual({ code, reason });
  });

  test('at most 3,900 bytes', async () => {
    const sign = (bytes: number) =>
      identities.sign(testCall(), { payload_type: 'text/plain', payload: new Uint8Array(bytes) });
    expect((await sign(3900)).value.signature).toMatch(/^[0-9a-f]{128}$/);
    expect(await refusalOf(sign(3901))).toEqual({ code: 'too_large', reason: 'envelope.payload_size' });
  });

  test('no text that is no UTF-8', async () => {
    const payload = Uint8Array.of(0xff);
    expect(await refusalOf(identities.sign(testCall(), { payload_type: textType, payload }))).toEqual({
      code: 'invalid_request',
      reason: 'json.utf8',
    });
  });

  test('neither for another tenant, nor by a key that is none of a caller', async () => {
    const { key_id } = await make();
    const [issuer] = await node.keys.list('issuer');
    const session = await node.identity.session();
    const other = testCall({ tenant: 'stranger' });
    const notFound = { code: 'identity_not_found' };
    for (const [call, id] of [
      [other, key_id],
      [testCall(), issuer?.key_id ?? ''],
      [testCall(), session.key_id],
      [testCall(), '../agent'],
    ] as const) {
      const signing = identities.sign(call, { payload_type: textType, payload: hello, key_id: id });
      expect(await refusalOf(signing)).toEqual(notFound);
    }
    expect(await refusalOf(identities.revoke(other, key_id))).toEqual(notFound);
  });

  test('not once it was revoked, and not past its end', async () => {
    const { key_id, expires_at } = await make();
    const sign = () => identities.sign(testCall(), { payload_type: textType, payload: hello, key_id });
    const then = now;
    now = (expires_at + 1) * 1000;
    expect(await refusalOf(sign())).toEqual({ code: 'signature_refused', reason: 'key.delegation' });
    now = then;
    await identities.revoke(testCall(), key_id);
    expect(await refusalOf(sign())).toEqual({ code: 'signature_refused', reason: 'key.revoked' });
  });

  test('not from a key file that others can read', async () => {
    const { key_id } = await make();
    const file = join(node.home, 'identities', `agent-${key_id}.pem`);
    expect(await readdir(join(node.home, 'identities'))).toContain(`agent-${key_id}.pem`);
    await chmod(file, 0o644);
    // As after a restart: the key is opened from its file.
    const { fileKeys } = await import('../../adapters/files/file-keys.ts');
    const keys = fileKeys({
      folder: join(node.home, 'identities'),
      sign: () => node.compute.sign,
      random: node.random,
    });
    await expect(keys.sealPayload({ key_id, payload_type: textType, payload: hello })).rejects.toThrow(KeyRefusedError);
    await chmod(file, 0o600);
    expect((await keys.sealPayload({ key_id, payload_type: textType, payload: hello })).id).toMatch(/^[0-9a-f]{64}$/);
  });
});

test('verdicts stand in the order of their items, and a bad one shifts none', async () => {
  const { value } = await identities.sign(testCall(), { payload_type: textType, payload: hello });
  const good = {
    public_key: Buffer.from(value.public_key, 'hex'),
    signature: Buffer.from(value.signature, 'hex'),
    payload_type: textType,
    payload: hello,
  };
  const small_order = new Uint8Array(32);
  const codes = await identities.verify([
    good,
    { ...good, payload: Buffer.from('x') },
    { ...good, public_key: small_order },
    { ...good, signature: Buffer.concat([small_order, good.signature.subarray(32)]) },
    { ...good, signature: Buffer.concat([good.signature.subarray(0, 32), Buffer.alloc(32, 0xff)]) },
    good,
  ]);
  expect(codes).toEqual(['ok', 'sig.invalid', 'key.malformed', 'sig.small_order', 'sig.malformed', 'ok']);
});
