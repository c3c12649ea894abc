import { afterAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import digests from '@signet/shared/vectors/digest/cases.json' with { type: 'json' };
import documents from '@signet/shared/vectors/document/cases.json' with { type: 'json' };
import signatures from '@signet/shared/vectors/ed25519/cases.json' with { type: 'json' };
import envelopes from '@signet/shared/vectors/envelope/cases.json' with { type: 'json' };
import profile from '@signet/shared/vectors/ijson/cases.json' with { type: 'json' };
import canonical from '@signet/shared/vectors/jcs/cases.json' with { type: 'json' };
import scores from '@signet/shared/vectors/score/cases.json' with { type: 'json' };
import { ComputeRefusedError, type Compute, type Metric, type Outcome } from './compute.ts';
import type { KeyRole } from './keys.ts';

/** What every build of the crates serves; embedding has its own suite. */
export type ComputeUnderTest = Pick<Compute, 'sign' | 'verify' | 'digest' | 'score'>;

/** The suite of the compute port: the same answers on each adapter, over the shared vectors. */
export function describeCompute(name: string, open: () => Promise<ComputeUnderTest>): void {
  describe(name, () => {
    const opened = open();
    signs(opened);
    verifies(opened);
    digestsAndCanonicalises(opened);
    scoresRows(opened);
  });
}

function signs(opened: Promise<ComputeUnderTest>): void {
  test.each(envelopes.cases.filter((one) => one.operation === 'seal'))('seals: $name', async (one) => {
    const { sign } = await opened;
    const { handle } = await keyOf(sign, one.role, one.seed);
    const [sealed] = await sign.sealEnvelopes([
      { handle, payload_type: one.payload_type ?? '', payload_json: utf8(one.payload) },
    ]);
    expect(plain(sealed)).toEqual(expected(one));
  });

  test.each(documents.cases.filter((one) => one.operation === 'sign'))('signs documents: $name', async (one) => {
    const { sign } = await opened;
    const { handle } = await keyOf(sign, one.role, one.seed);
    const [signed] = await sign.signDocuments([
      {
        handle,
        verification_method: one.verification_method ?? '',
        created: one.created ?? '',
        document_json: utf8(one.document),
      },
    ]);
    expect(plain(signed)).toEqual(expected(one));
  });

  test('a bad item stands alone between good ones', async () => {
    const { sign } = await opened;
    const { handle } = await keyOf(sign, 'session', '07'.repeat(32));
    const of = (payload: string) => ({ handle, payload_type: message, payload_json: utf8(payload) });
    const outcomes = await sign.sealEnvelopes([of('{"a":1}'), of('{'), of('{"a":2}')]);
    expect(outcomes.map((one) => (one.ok ? 'ok' : one.code))).toEqual(['ok', 'json.syntax', 'ok']);
    expect(await sign.sealEnvelopes([])).toEqual([]);
  });

  test('a closed key signs nothing, and closing it again is harmless', async () => {
    const { sign } = await opened;
    const { handle } = await keyOf(sign, 'session', '08'.repeat(32));
    await sign.closeKey(handle);
    await sign.closeKey(handle);
    for (const stale of [handle, 0, -1, 1.5, 2 ** 40]) {
      const request = { handle: stale, payload_type: message, payload_json: utf8('{}') };
      expect(await sign.sealEnvelopes([request])).toEqual([{ ok: false, code: 'key.unknown' }]);
    }
  });

  test('seeds and files are zeroed by the callee, whether taken or refused', async () => {
    const { sign } = await opened;
    const seed = new Uint8Array(32).fill(9);
    const { pkcs8_pem } = await sign.generateKey({ role: 'session', seed, exportable: true });
    if (pkcs8_pem === undefined) throw new Error('expected a file');
    await sign.openKey({ role: 'session', pkcs8_pem });
    const damaged = utf8('-----BEGIN PRIVATE KEY-----\nsecret\n-----END PRIVATE KEY-----\n');
    await expect(sign.openKey({ role: 'session', pkcs8_pem: damaged })).rejects.toMatchObject({
      code: 'key.malformed',
    });
    const short = new Uint8Array(31).fill(9);
    const refused = sign.generateKey({ role: 'session', seed: short, exportable: false });
    await expect(refused).rejects.toBeInstanceOf(ComputeRefusedError);
    for (const bytes of [seed, pkcs8_pem, damaged, short]) expect(bytes.every((byte) => byte === 0)).toBe(true);
  });

  test('no answer carries a private byte, unless the key was made to be exported', async () => {
    const { sign } = await opened;
    const seed = Uint8Array.from({ length: 32 }, (_, index) => 200 - index);
    const bytes = Buffer.from(seed);
    const key = await sign.generateKey({ role: 'session', seed: new Uint8Array(bytes), exportable: false });
    const answers = [
      key,
      await sign.sealEnvelopes([{ handle: key.handle, payload_type: message, payload_json: utf8('{}') }]),
    ];
    const text = JSON.stringify(answers, (_, value) =>
      value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value,
    );
    expect(Object.keys(key).sort()).toEqual(['handle', 'key_id', 'public_key']);
    for (const form of [bytes.toString('latin1'), bytes.toString('hex'), bytes.toString('base64').slice(0, 40)]) {
      expect(text.includes(form)).toBe(false);
    }
  });

  test('key files go to Node, to OpenSSL and back', async () => {
    const { sign } = await opened;
    const made = await sign.generateKey({ role: 'root', seed: new Uint8Array(32).fill(11), exportable: true });
    const pem = Buffer.from(made.pkcs8_pem ?? []).toString();
    const node_key = createPrivateKey(pem);
    expect(rawPublicKey(pem)).toEqual(Buffer.from(made.public_key));
    expect(node_key.export({ format: 'pem', type: 'pkcs8' })).toBe(pem);
    const again = await sign.openKey({ role: 'root', pkcs8_pem: utf8(pem) });
    expect(again.key_id).toBe(made.key_id);
    expect(again.handle).not.toBe(made.handle);
    if (!hasOpenssl()) return;
    const folder = await mkdtemp(join(tmpdir(), 'signet-keys-'));
    try {
      const path = join(folder, 'key.pem');
      await writeFile(path, pem);
      expect(execFileSync('openssl', ['pkey', '-in', path], { encoding: 'utf8' })).toBe(pem);
      execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', path], { stdio: 'ignore' });
      const foreign = await readFile(path);
      const expected_key = rawPublicKey(foreign.toString());
      const key = await sign.openKey({ role: 'session', pkcs8_pem: new Uint8Array(foreign) });
      expect(Buffer.from(key.public_key)).toEqual(expected_key);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('Node verifies what was sealed, over the encoding of the DSSE specification', async () => {
    const { sign } = await opened;
    const seed = new Uint8Array(32).fill(12);
    const { handle, pkcs8_pem } = await sign.generateKey({ role: 'session', seed, exportable: true });
    const node_key = createPrivateKey(Buffer.from(pkcs8_pem ?? []));
    const [sealed] = await sign.sealEnvelopes([{ handle, payload_type: message, payload_json: utf8('{"é":1}') }]);
    if (sealed?.ok !== true) throw new Error('expected an envelope');
    const envelope = JSON.parse(Buffer.from(sealed.entry).toString());
    const encoded = preAuthenticationEncoding(envelope.payloadType, Buffer.from(envelope.payload, 'base64'));
    const signature = Buffer.from(envelope.signatures[0].sig, 'base64');
    expect(verify(null, encoded, createPublicKey(node_key), signature)).toBe(true);
    expect(envelope.signatures[0].sig).toBe(nodeSign(encoded, node_key));
  });
}

function verifies(opened: Promise<ComputeUnderTest>): void {
  test.each(signatures.cases)('verifies: $name', async (one) => {
    const { verify } = await opened;
    const item = { public_key: hex(one.public_key), message: hex(one.message), signature: hex(one.signature) };
    const [outcome] = await verify.verifySignatures([item]);
    expect(outcome).toEqual(expected(one));
    if (outcome?.ok) expect(nodeVerifies(item)).toBe(true);
  });

  test('verifies a whole batch in its order', async () => {
    const { verify } = await opened;
    const outcomes = await verify.verifySignatures(
      signatures.cases.map((one) => ({
        public_key: hex(one.public_key),
        message: hex(one.message),
        signature: hex(one.signature),
      })),
    );
    expect(outcomes).toEqual(signatures.cases.map(expected));
  });

  test.each(envelopes.cases.filter((one) => one.operation === 'open'))('opens: $name', async (one) => {
    const { verify } = await opened;
    const item = { envelope: utf8(one.envelope), public_key: hex(one.public_key) };
    const [outcome] = await verify.openEnvelopes([item]);
    expect(plain(outcome)).toEqual(expected(one));
  });

  test('refuses an envelope with any single bit flipped', async () => {
    const { verify } = await opened;
    const good = envelopes.cases.find((one) => one.name === 'as it was sealed');
    const bytes = utf8(good?.envelope);
    const public_key = hex(good?.public_key);
    const flipped = Array.from({ length: bytes.length * 8 }, (_, bit) => {
      const copy = bytes.slice();
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return { envelope: copy, public_key };
    });
    const outcomes = await verify.openEnvelopes([...flipped, { envelope: bytes, public_key }]);
    expect(outcomes.flatMap((one, bit) => (one.ok ? [bit] : []))).toEqual([flipped.length]);
  });

  test.each(documents.cases.filter((one) => one.operation === 'verify'))('verifies documents: $name', async (one) => {
    const { verify } = await opened;
    const item = { document_json: utf8(one.document), public_key: hex(one.public_key) };
    const [outcome] = await verify.verifyDocuments([item]);
    expect(outcome).toEqual(expected(one));
  });

  test('names of keys are read in both forms, and only where the key is usable', async () => {
    const { sign, verify } = await opened;
    const { key_id, public_key } = await keyOf(sign, 'session', '0d'.repeat(32));
    const outcomes = await verify.decodeKeyIds([key_id, `did:key:${key_id}`, '', 'z', `${key_id}1`, key_id.slice(1)]);
    const refused = { ok: false, code: 'key.malformed' };
    expect(outcomes).toEqual([{ ok: true, public_key }, { ok: true, public_key }, refused, refused, refused, refused]);
  });
}

function digestsAndCanonicalises(opened: Promise<ComputeUnderTest>): void {
  test.each(digests.cases)('digests $times bytes', async (one) => {
    const { digest } = await opened;
    const content = utf8(one.text.repeat(one.times));
    expect(await digest.digest([content])).toEqual([one.ok]);
    expect(createHash('sha256').update(content).digest('hex')).toBe(one.ok.sha256);
  });

  test.each([...profile.cases, ...canonical.cases])('canonicalises: $name', async (one) => {
    const { digest } = await opened;
    const input: { text?: string; hex?: string; times?: number } = one;
    const bytes = input.hex === undefined ? utf8(input.text?.repeat(input.times ?? 1)) : hex(input.hex);
    const [outcome] = await digest.canonicalise([bytes]);
    expect(plain(outcome)).toEqual(expected(one));
  });
}

function scoresRows(opened: Promise<ComputeUnderTest>): void {
  test.each(scores.cases.map((one, index) => ({ ...one, index })))('scores: $metric, case $index', async (one) => {
    const { score } = await opened;
    const found = await score.topK({
      metric: metricOf(one.metric),
      dimension: one.query.length,
      query: Float32Array.from(one.query),
      rows: Float32Array.from(one.rows.flat()),
      k: one.k,
    });
    expect([...found.rows]).toEqual(one.ok.rows);
    one.ok.scores.forEach((score, hit) =>
      expect(Math.abs((found.scores[hit] ?? NaN) - score)).toBeLessThanOrEqual(1e-5 * one.query.length),
    );
  });

  test('large requests give what small ones give, also when several are under way', async () => {
    const { score } = await opened;
    const dimension = 384;
    const rows = noise(dimension * 3000, 1);
    const of = (seed: number) => ({
      metric: 'cosine' as const,
      dimension,
      query: noise(dimension, seed),
      rows,
      k: 5,
    });
    const found = await Promise.all([2, 3, 4].map((seed) => score.topK(of(seed))));
    for (const [index, answer] of found.entries()) {
      const { query } = of(index + 2);
      const all = Array.from({ length: 3000 }, (_, row) =>
        cosine(query, rows.subarray(row * dimension, (row + 1) * dimension)),
      );
      const best = all.map((_, row) => row).sort((a, b) => (all[b] ?? 0) - (all[a] ?? 0));
      expect([...answer.rows]).toEqual(best.slice(0, 5));
    }
  });

  test.each([NaN, Infinity, -Infinity])('refuses %s and says where', async (bad) => {
    const { score } = await opened;
    const request = { metric: 'cosine' as const, dimension: 2, k: 1 };
    const good = Float32Array.of(1, 2);
    await expect(score.topK({ ...request, query: Float32Array.of(1, bad), rows: good })).rejects.toMatchObject({
      name: 'ComputeRefusedError',
      code: 'non_finite',
      index: 1,
    });
    await expect(
      score.topK({ ...request, query: good, rows: Float32Array.of(1, 2, 3, 4, bad, 6) }),
    ).rejects.toMatchObject({ code: 'non_finite', index: 2 });
    expect([...(await score.topK({ ...request, query: good, rows: good })).rows]).toEqual([0]);
  });

  test.each([
    ['a dimension of 0', { dimension: 0 }],
    ['a query of another length', { query: new Float32Array(3) }],
    ['half a row', { rows: new Float32Array(3) }],
    ['a k of 0', { k: 0 }],
    ['a k that is no integer', { k: 1.5 }],
  ])('%s is a bug of the caller', async (_, change) => {
    const { score } = await opened;
    const request = {
      metric: 'cosine' as const,
      dimension: 2,
      query: new Float32Array(2),
      rows: new Float32Array(4),
      k: 1,
    };
    await expect(score.topK({ ...request, ...change })).rejects.toBeInstanceOf(TypeError);
  });

  test('takes views into a larger buffer', async () => {
    const { score } = await opened;
    const buffer = Float32Array.of(9, 1, 0, 9, 0, 1, 1, 0);
    const found = await score.topK({
      metric: 'dot_product',
      dimension: 2,
      query: buffer.subarray(1, 3),
      rows: buffer.subarray(4),
      k: 2,
    });
    expect([...found.rows]).toEqual([1, 0]);
  });
}

const message = 'application/vnd.signet.message.v1+json';
const closing: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(closing.map((close) => close())));

async function keyOf(sign: Compute['sign'], role: string | undefined, seed: string | undefined) {
  const key = await sign.generateKey({ role: role as KeyRole, seed: hex(seed), exportable: false });
  closing.push(() => sign.closeKey(key.handle));
  return key;
}

/** A vector's answer in the form of an outcome. */
function expected(one: { ok?: object; code?: string }): object {
  return one.code === undefined ? { ok: true, ...one.ok } : { ok: false, code: one.code };
}

/** Bytes as text: the vectors hold canonical JSON. */
function plain(outcome: Outcome<object> | undefined): object {
  const fields = Object.entries(outcome ?? {});
  return Object.fromEntries(
    fields.map(([name, value]) => [name, value instanceof Uint8Array ? Buffer.from(value).toString() : value]),
  );
}

function utf8(text: string | undefined): Uint8Array {
  return new TextEncoder().encode(text ?? '');
}

function hex(text: string | undefined): Uint8Array {
  return new Uint8Array(Buffer.from(text ?? '', 'hex'));
}

function metricOf(name: string): Metric {
  return name as Metric;
}

/** Numbers in [-1, 1) without a pattern, the same on each run. */
function noise(length: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((x, index) => {
    const y = b[index] ?? 0;
    ab += x * y;
    aa += x * x;
    bb += y * y;
  });
  return ab / Math.sqrt(aa * bb);
}

function preAuthenticationEncoding(type: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
}

function rawPublicKey(pem: string): Buffer {
  return createPublicKey(createPrivateKey(pem)).export({ format: 'der', type: 'spki' }).subarray(-32);
}

function nodeVerifies(item: { public_key: Uint8Array; message: Uint8Array; signature: Uint8Array }): boolean {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), item.public_key]);
  return verify(null, item.message, createPublicKey({ key: der, format: 'der', type: 'spki' }), item.signature);
}

function nodeSign(encoded: Buffer, key: ReturnType<typeof createPrivateKey>): string {
  return sign(null, encoded, key).toString('base64');
}

function hasOpenssl(): boolean {
  try {
    return execFileSync('openssl', ['version'], { encoding: 'utf8' }).startsWith('OpenSSL 3');
  } catch {
    return false;
  }
}
