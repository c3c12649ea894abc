import { afterAll, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import documents from '@signet/shared/vectors/document/cases.json' with { type: 'json' };
import envelopes from '@signet/shared/vectors/envelope/cases.json' with { type: 'json' };
import payloads from '@signet/shared/vectors/envelope/payload.json' with { type: 'json' };
import { ComputeRefusedError, type SignCompute } from './compute.ts';
import type { KeyRole } from './keys.ts';
import { expected, hex, plain, utf8 } from './vector-values.contract.ts';

/** The suite of `SignCompute`, inside of a `describe`. */
export function describeSign(opened: Promise<{ readonly sign: SignCompute }>): void {
  test.each(envelopes.cases.filter((one) => one.operation === 'seal'))('seals: $name', async (one) => {
    const { sign } = await opened;
    const { handle } = await keyOf(sign, one.role, one.seed);
    const [sealed] = await sign.sealEnvelopes([
      { handle, payload_type: one.payload_type ?? '', payload_json: utf8(one.payload) },
    ]);
    expect(plain(sealed)).toEqual(expected(one));
  });

  test.each(payloads.cases.filter((one) => one.operation === 'seal'))(
    "seals a caller's payload: $name",
    async (one) => {
      const { sign } = await opened;
      const { handle } = await keyOf(sign, one.role, one.seed);
      const request = { handle, payload_type: one.payload_type, payload: hex(one.payload) };
      const [sealed] = await sign.sealPayloads([request]);
      expect(plain(sealed)).toEqual(expected(one));
    },
  );

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

const message = 'application/vnd.signet.message.v1+json';
const closing: (() => Promise<void>)[] = [];
afterAll(() => Promise.all(closing.map((close) => close())));

async function keyOf(sign: SignCompute, role: string | undefined, seed: string | undefined) {
  const key = await sign.generateKey({ role: role as KeyRole, seed: hex(seed), exportable: false });
  closing.push(() => sign.closeKey(key.handle));
  return key;
}

function preAuthenticationEncoding(type: string, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload]);
}

function rawPublicKey(pem: string): Buffer {
  return createPublicKey(createPrivateKey(pem)).export({ format: 'der', type: 'spki' }).subarray(-32);
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
