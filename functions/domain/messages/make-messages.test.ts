import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import { readContent } from '../content/read-content.ts';
import { SignetError } from '../errors.ts';
import { makeIdentities } from '../identities/make-identities.ts';
import type { Identities } from '../identities/identities.ts';
import { signingKeyRow } from '../identity/signing-keys.ts';
import type { JsonObject } from '../json.ts';
import type { Table } from '../ports/table.ts';
import { messagePayloadType } from '../receipts/statement-types.ts';
import { replayKey } from './keys.ts';
import { makeMessages } from './make-messages.ts';
import type { CreateRequest, EnvelopeVerdict, Messages } from './messages.ts';

let node: TestNode;
let identities: Identities;
let messages: Messages;
let now = 1_900_000_000_000;
let takes = true;

beforeAll(async () => {
  node = await openTestNode({ now: () => now });
  identities = makeIdentities({ ...node, verify: node.compute.verify });
  messages = open();
});
afterAll(() => node.close());

/** Another process of the same node, with this and that changed. */
function open(changes: { table?: Table } = {}): Messages {
  const { verify, digest } = node.compute;
  return makeMessages({ ...node, identities, verify, digest, takesFrom: () => takes, ...changes });
}

const request: CreateRequest = { payload: { hello: 'world' }, ttl: 3600, provenance: [], audience: '*' };
const create = async (changes: Partial<CreateRequest> = {}, call = testCall()) =>
  (await messages.create(call, { ...request, ...changes })).value;
const bytesOf = (envelope: unknown) => new TextEncoder().encode(JSON.stringify(envelope));
const messageIn = (envelope: JsonObject) =>
  JSON.parse(Buffer.from(envelope['payload'] as string, 'base64').toString()) as JsonObject & { body: JsonObject };

/** A message as the session would sign it, with this and that changed first; undefined takes a member away. */
async function forge(members: { readonly [name: string]: unknown } = {}, key_id?: string): Promise<Uint8Array> {
  const session = await node.identity.session();
  const iat = Math.floor(now / 1000);
  const payload: { [name: string]: unknown } = {
    v: 1,
    kind: 'document',
    iss: node.identity.node_id,
    aud: '*',
    iat,
    exp: iat + 60,
    jti: randomBytes(16).toString('base64url'),
    con: node.identity.con,
    del: session.delegation_id,
    body: {},
    ...members,
  };
  const { entry } = await node.keys.sealEnvelope({
    key_id: key_id ?? session.key_id,
    payload_type: messagePayloadType,
    payload: JSON.parse(JSON.stringify(payload)) as JsonObject,
  });
  return entry;
}

async function changed(change: (envelope: Forged) => unknown): Promise<Uint8Array> {
  return bytesOf(change(JSON.parse(Buffer.from(await forge()).toString()) as Forged));
}

interface Forged {
  readonly payload: string;
  readonly payloadType: string;
  readonly signatures: readonly [{ readonly keyid: string; readonly sig: string }];
}

const first = <T>(list: readonly T[]): T => list[0] as T;
const failureOf = ({ checks, code }: EnvelopeVerdict) => ({ code, check: checks.find(({ ok }) => !ok)?.check });

async function refusalOf(work: Promise<unknown>): Promise<object> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SignetError)) throw new Error('expected a refusal', { cause: error });
  const { code, reason, param } = error.public;
  return { code, reason, ...(param === undefined ? {} : { param }) };
}

describe('an envelope is made', () => {
  test('and its answer alone verifies', async () => {
    const made = await create();
    expect(made).toMatchObject({ ttl: 3600, timestamp: Math.floor(now / 1000) });
    expect(made.content_hash).toBe(createHash('sha256').update('{"hello":"world"}').digest('hex'));
    expect(made.content_ref).toBeUndefined();
    expect(messageIn(made.envelope).body).toMatchObject({ content: request.payload });
    expect(await messages.verify(bytesOf(made.envelope))).toEqual({
      valid: true,
      checks: ['form', 'key', 'signature', 'payload', 'binding', 'time'].map((check) => ({ check, ok: true })),
      iss: node.identity.node_id,
      id: made.id,
    });
  });

  test('by a managed identity, for somebody, with a schema', async () => {
    const { value } = await identities.generate(testCall(), { purpose: 'agent' });
    const made = await create({ key_id: value.key_id, audience: node.identity.node_id, schema_id: 'urn:x:1' });
    expect(made.public_key).toBe(value.public_key);
    expect(messageIn(made.envelope)).toMatchObject({ del: value.delegation, body: { schema_id: 'urn:x:1' } });
    expect(await messages.verify(bytesOf(made.envelope))).toMatchObject({ valid: true });
    await identities.revoke(testCall(), value.key_id);
    expect(failureOf(await messages.verify(bytesOf(made.envelope)))).toEqual({ code: 'key.revoked', check: 'key' });
    expect(await refusalOf(create({ key_id: value.key_id }))).toMatchObject({
      code: 'signature_refused',
      reason: 'key.revoked',
    });
    expect(await refusalOf(create({ key_id: 'z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp' }))).toMatchObject({
      code: 'identity_not_found',
    });
  });

  test.each<[string, CreateRequest['payload']]>([
    ['a large text', 'x'.repeat(10_000)],
    ['a very large text', 'x'.repeat(200_000)],
    ['a deep one', Array.from({ length: 30 }).reduce<JsonObject>((inner) => ({ a: inner }), {})],
  ])('around the digests of %s, which is stored', async (_what, payload) => {
    const made = await create({ payload });
    expect(made.content_ref).toBe(made.content_hash);
    expect(messageIn(made.envelope).body).toEqual({ content_ref: made.content_hash, digest: made.digests });
    const stored = await readContent({ ...node }, { tenant: 'default', sha256: made.content_hash });
    expect(JSON.parse(Buffer.from(stored ?? '').toString())).toEqual(payload);
    expect(await messages.verify(bytesOf(made.envelope))).toMatchObject({ valid: true });
  });

  test('of known origins, however many', async () => {
    const earlier = await create();
    const receipt = (await messages.create(testCall(), request)).receipt;
    const { entry = '' } = (await node.receipts.get(receipt, 'default')) ?? {};
    const origins = [
      { id: earlier.id, digest: earlier.content_hash },
      { id: receipt, digest: createHash('sha256').update(Buffer.from(entry, 'base64')).digest('hex') },
    ];
    const made = await create({ provenance: origins });
    expect(messageIn(made.envelope).body['provenance']).toEqual(origins);
    const many = await create({
      provenance: Array.from({ length: 64 }, (_, index) => origins[index % 2] ?? first(origins)),
    });
    expect(messageIn(many.envelope).body).toMatchObject({ provenance_ref: { sha256: expect.any(String) } });

    const unknown = { id: 'a'.repeat(64), digest: 'b'.repeat(64) };
    expect(await refusalOf(create({ provenance: [...origins, unknown] }))).toEqual({
      code: 'digest_mismatch',
      reason: 'digest.unknown',
      param: 'provenance[2]',
    });
    expect(await refusalOf(create({ provenance: [{ ...unknown, id: earlier.id }] }))).toMatchObject({
      reason: 'digest.mismatch',
    });
    // Another tenant's origins do not exist for this one.
    const stranger = testCall({ tenant: 'stranger' });
    expect(await refusalOf(create({ provenance: origins }, stranger))).toMatchObject({ reason: 'digest.unknown' });
  });

  test.each<[string, unknown, string, string]>([
    ['a number out of range', 2 ** 60, 'invalid_json', 'json.number'],
    ['a noncharacter', '\uffff', 'invalid_json', 'json.string'],
    ['33 levels', JSON.parse('['.repeat(33) + ']'.repeat(33)), 'invalid_json', 'json.depth'],
    ['257 KiB', 'x'.repeat(257 * 1024), 'too_large', 'json.size'],
  ])('not of %s', async (_what, payload, code, reason) => {
    expect(await refusalOf(create({ payload: payload as never }))).toMatchObject({ code, reason });
  });

  test('by the successor of a session key whose adapter was swapped', async () => {
    await node.keys.release((await node.identity.session()).key_id);
    expect(await messages.verify(bytesOf((await create()).envelope))).toMatchObject({ valid: true });
  });
});

describe('an envelope is refused', () => {
  test.each<[string, () => Promise<Uint8Array>, string, string]>([
    ['over 8,192 bytes', async () => new Uint8Array(8193).fill(32), 'form', 'json.size'],
    ['that is no UTF-8', async () => Uint8Array.of(0x22, 0xff, 0x22), 'form', 'json.utf8'],
    ['that is no JSON', async () => Buffer.from('{'), 'form', 'json.syntax'],
    ['with a name twice', async () => Buffer.from('{"payload":"","payload":""}'), 'form', 'json.duplicate_key'],
    ['33 levels deep', async () => Buffer.from('['.repeat(33) + ']'.repeat(33)), 'form', 'json.depth'],
    ['without its members', () => changed(() => ({})), 'form', 'envelope.shape'],
    ['with a member more', () => changed((one) => ({ ...one, note: 1 })), 'form', 'envelope.shape'],
    ['with bad base64', () => changed((one) => ({ ...one, payload: '!' })), 'form', 'envelope.shape'],
    ['without signatures', () => changed((one) => ({ ...one, signatures: [] })), 'form', 'envelope.shape'],
    [
      'of another type',
      () => changed((one) => ({ ...one, payloadType: 'application/vnd.in-toto+json' })),
      'form',
      'envelope.type',
    ],
    ['of a foreign type', () => changed((one) => ({ ...one, payloadType: 'text/plain' })), 'form', 'envelope.type'],
    [
      'with too much in it',
      () => changed((one) => ({ ...one, payload: Buffer.alloc(3901).toString('base64') })),
      'form',
      'envelope.payload_size',
    ],
    [
      'under a name that is no key',
      () => changed((one) => ({ ...one, signatures: [{ ...first(one.signatures), keyid: 'z6Mk#../-' }] })),
      'key',
      'key.unknown',
    ],
    [
      'by the issuer key',
      async () => {
        const [issuer] = await node.keys.list('issuer');
        return changed((one) => ({ ...one, signatures: [{ ...first(one.signatures), keyid: issuer?.key_id ?? '' }] }));
      },
      'key',
      'key.role',
    ],
    [
      'whose payload was changed',
      () => changed((one) => ({ ...one, payload: Buffer.from('{"v":2}').toString('base64') })),
      'signature',
      'sig.invalid',
    ],
    [
      'whose signature is short',
      () => changed((one) => ({ ...one, signatures: [{ ...first(one.signatures), sig: 'AAAA' }] })),
      'signature',
      'sig.malformed',
    ],
    [
      'whose R has small order',
      () =>
        changed((one) => ({
          ...one,
          signatures: [{ ...first(one.signatures), sig: Buffer.alloc(64).toString('base64') }],
        })),
      'signature',
      'sig.small_order',
    ],
    ['without a member of the message', () => forge({ jti: undefined }), 'payload', 'schema.missing'],
    ['of another version', () => forge({ v: 2 }), 'payload', 'schema.unknown'],
    ['of an unknown kind', () => forge({ kind: 'gossip' }), 'payload', 'schema.unknown'],
    ['with a member too many', () => forge({ note: 1 }), 'payload', 'schema.mismatch'],
    ['with a name of another spelling', () => forge({ jti: 'AAAAAAAAAAAAAAAAAAAAAB' }), 'payload', 'schema.mismatch'],
    ['with a time that is none', () => forge({ exp: 1.5 }), 'payload', 'schema.mismatch'],
    ['that speaks for another', () => forge({ iss: 'did:key:z6MkOther' }), 'binding', 'key.issuer'],
    ['under another delegation', () => forge({ del: 'd'.repeat(64) }), 'binding', 'key.delegation'],
    ['from before its delegation', () => forge({ iat: 1, exp: 61 }), 'binding', 'key.delegation'],
    ['for somebody else', () => forge({ aud: 'did:key:z6MkOther' }), 'binding', 'msg.audience'],
    ['of control for everybody', () => forge({ kind: 'control' }), 'binding', 'msg.audience'],
    ['under other rules', () => forge({ con: 'c'.repeat(64) }), 'binding', 'msg.constitution'],
    ['31 s ahead', () => forge({ iat: seconds() + 31, exp: seconds() + 60 }), 'time', 'time.future'],
    ['past its end', () => forge({ iat: seconds() - 9, exp: seconds() - 1 }), 'time', 'time.expired'],
    ['that lasts no time', () => forge({ iat: seconds() + 9, exp: seconds() + 9 }), 'time', 'time.ttl'],
    ['that lasts too long', () => forge({ exp: seconds() + 3601 }), 'time', 'time.ttl'],
    [
      'of control for over five minutes',
      () => forge({ kind: 'control', aud: node.identity.node_id, exp: seconds() + 301 }),
      'time',
      'time.ttl',
    ],
  ])('%s', async (_what, make, check, code) => {
    const verdict = await messages.verify(await make());
    expect(failureOf(verdict)).toEqual({ check, code });
    expect(verdict).toMatchObject({ valid: false, error: expect.any(String) });
    expect(verdict.checks.at(-1)?.check).toBe(check);
    // What is refused is not admitted either, and its refusal leaves a receipt.
    const consumed = await messages.consume(testCall(), await make());
    expect(consumed.verdict).toMatchObject({ valid: false, code });
    expect(await node.receipts.get(consumed.receipt, 'default')).toBeDefined();
  });

  const seconds = () => Math.floor(now / 1000);

  test('with a payload that is not canonical, once its signature held', async () => {
    // Only a foreign signer makes such a thing: its key is registered here as if it were ours.
    const { generateKeyPairSync, sign } = await import('node:crypto');
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(12);
    const { multikey } = await import('../../adapters/kms/multikey.ts');
    const keyid = multikey(raw);
    const iat = seconds();
    const item = {
      owner: 'did:key:z6MkFar',
      role: 'session',
      kinds: [],
      delegation: 'd'.repeat(64),
      nbf: iat,
      naf: iat,
    };
    await node.table.write({ kind: 'put', key: signingKeyRow(keyid), item }, now);
    const sealed = (payload: string): Uint8Array => {
      const pae = `DSSEv1 ${messagePayloadType.length} ${messagePayloadType} ${Buffer.byteLength(payload)} ${payload}`;
      const sig = sign(null, Buffer.from(pae), privateKey).toString('base64');
      return bytesOf({
        payload: Buffer.from(payload).toString('base64'),
        payloadType: messagePayloadType,
        signatures: [{ keyid, sig }],
      });
    };
    for (const [payload, code] of [
      ['{"b":1,"a":2}', 'json.not_canonical'],
      ['{"a":1e400}', 'json.number'],
      ['{"a":"\\uffff"}', 'json.string'],
      ['{"a":1,"a":1}', 'json.duplicate_key'],
      ['{', 'json.syntax'],
      ['[]', 'envelope.shape'],
    ] as const) {
      expect(failureOf(await messages.verify(sealed(payload)))).toEqual({ check: 'payload', code });
    }
    const owner = await forge({ iss: 'did:key:z6MkFar' });
    expect(failureOf(await messages.verify(owner))).toEqual({ check: 'binding', code: 'key.issuer' });
  });

  test('by a key without the right for its kind', async () => {
    const { value } = await identities.generate(testCall(), { purpose: 'agent' });
    const row = await node.table.get(signingKeyRow(value.key_id), now);
    const changedRow = { ...row, kinds: ['text'] };
    await node.table.write({ kind: 'put', key: signingKeyRow(value.key_id), item: changedRow }, now);
    const envelope = await forge({ del: value.delegation }, value.key_id);
    expect(failureOf(await messages.verify(envelope))).toEqual({ check: 'binding', code: 'key.role' });
  });

  test('when its delegation is long over, and before it begins', async () => {
    const then = now;
    const envelope = await forge();
    try {
      now = then + 3 * 3600 * 1000;
      expect(failureOf(await messages.verify(envelope))).toEqual({ check: 'key', code: 'key.unknown' });
      now = then - 3600 * 1000;
      expect(failureOf(await messages.verify(envelope))).toEqual({ check: 'key', code: 'key.delegation' });
    } finally {
      now = then;
    }
  });

  test('by the previous constitution once a day has gone by', async () => {
    const { withoutProof } = await import('../constitution/constitution.ts');
    const { constitutionKey } = await import('../constitution/keys.ts');
    const old = { ...withoutProof(node.identity.constitution), effective: 1 };
    await node.table.write({ kind: 'put', key: constitutionKey(1), item: { constitution: old } }, now);
    const effective = Math.floor(now / 1000);
    const second = { ...withoutProof(node.identity.constitution), version: 2, effective };
    const { verify, digest } = node.compute;
    const identity = { ...node.identity, constitution: second, constitution_version: 2 };
    const later = makeMessages({ ...node, identity, identities, verify, digest, takesFrom: () => true });
    const { digestJson } = await import('../content/digest-json.ts');
    const [{ sha256: con } = { sha256: '' }] = await digestJson(digest, [old]);
    const envelope = await forge({ con, exp: seconds() + 3600 });
    expect(await later.verify(envelope)).toMatchObject({ valid: true });
    expect(await messages.verify(envelope)).toMatchObject({ code: 'msg.constitution' });
    const aged = { ...identity, constitution: { ...second, effective: effective - 86_401 } };
    const muchLater = makeMessages({ ...node, identity: aged, identities, verify, digest, takesFrom: () => true });
    expect(await muchLater.verify(envelope)).toMatchObject({ code: 'msg.constitution' });
  });
});

describe('a message is admitted', () => {
  test('once: a second copy gets the first verdict', async () => {
    const envelope = bytesOf((await create()).envelope);
    const first = await messages.consume(testCall(), envelope);
    expect(first.verdict).toMatchObject({ valid: true });
    expect(first.verdict.checks.slice(-2)).toEqual([
      { check: 'rate', ok: true },
      { check: 'replay', ok: true },
    ]);
    const second = await messages.consume(testCall(), envelope);
    expect(second).toMatchObject({ verdict: { valid: false, code: 'replay.seen' }, first_verdict: first.receipt });
    expect(await node.receipts.get(second.receipt, 'default')).toBeDefined();
    // Judging alone remembers nothing and forgets nothing.
    expect(await messages.verify(envelope)).toMatchObject({ valid: true });
  });

  test('once of forty copies at the same time, in four processes', async () => {
    const envelope = bytesOf((await create()).envelope);
    const processes = [messages, open(), open(), open()];
    const all = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => processes[index % 4]?.consume(testCall(), envelope)),
    );
    const winners = all.filter((one) => one?.verdict.valid);
    expect(winners).toHaveLength(1);
    for (const one of all) {
      if (one?.verdict.valid === false) expect(one.first_verdict).toBe(winners[0]?.receipt);
    }
  });

  test('once, also under another signature of the same bytes', async () => {
    const made = await create();
    const envelope = made.envelope as unknown as Forged;
    await messages.consume(testCall(), bytesOf(envelope));
    const urlSafe = { ...envelope, payload: envelope.payload.replaceAll('+', '-').replaceAll('/', '_') };
    const more = { ...envelope, signatures: [...envelope.signatures, { keyid: 'z6MkNobody', sig: 'AAAA' }] };
    for (const copy of [urlSafe, more]) {
      expect((await messages.consume(testCall(), bytesOf(copy))).verdict).toMatchObject({ code: 'replay.seen' });
    }
  });

  test('until its end and a minute more; then it is refused as over', async () => {
    const then = now;
    const made = await create({ ttl: 10 });
    const envelope = bytesOf(made.envelope);
    await messages.consume(testCall(), envelope);
    const codes: (string | undefined)[] = [];
    for (const after_s of [0, 9, 10, 11, 70, 71]) {
      now = then + after_s * 1000;
      codes.push((await messages.consume(testCall(), envelope)).verdict.code);
    }
    expect(codes).toEqual(['replay.seen', 'replay.seen', 'replay.seen', ...Array(3).fill('time.expired')]);
    expect(await node.table.get(replayKey(node.identity.node_id, made.id), then + 70_999)).toBeUndefined();
    expect(await node.table.get(replayKey(node.identity.node_id, made.id), then + 69_999)).toBeDefined();
    now = then;
  });

  test('not while its sender sends too much, and it may come again', async () => {
    const envelope = bytesOf((await create()).envelope);
    takes = false;
    const limited = await messages.consume(testCall(), envelope);
    expect(limited.verdict).toMatchObject({ valid: false, code: 'rate.limited' });
    takes = true;
    expect((await messages.consume(testCall(), envelope)).verdict).toMatchObject({ valid: true });
  });

  test('again when what followed could not be stored', async () => {
    const envelope = bytesOf((await create()).envelope);
    const { judge } = node;
    const failing: TestNode['judge'] = {
      ...judge,
      open: async (call, question) => {
        const opened = await judge.open(call, question);
        return { ...opened, succeed: () => Promise.reject(new Error('the disk is full')) };
      },
    };
    const { verify, digest } = node.compute;
    const broken = makeMessages({ ...node, judge: failing, identities, verify, digest, takesFrom: () => true });
    await expect(broken.consume(testCall(), envelope)).rejects.toThrow('the disk is full');
    expect((await messages.consume(testCall(), envelope)).verdict).toMatchObject({ valid: true });
  });

  test('by no stranger: what is refused leaves no row', async () => {
    const made = await create();
    const forged = { ...made.envelope, payload: Buffer.from('{}').toString('base64') };
    const { verdict } = await messages.consume(testCall(), bytesOf(forged));
    expect(verdict.code).toBe('sig.invalid');
    expect(await node.table.get(replayKey(node.identity.node_id, verdict.id ?? ''), now)).toBeUndefined();
  });
});
