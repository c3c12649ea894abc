import { expect, test } from '@jest/globals';
import { createPublicKey, verify } from 'node:crypto';
import documents from '@signet/shared/vectors/document/cases.json' with { type: 'json' };
import signatures from '@signet/shared/vectors/ed25519/cases.json' with { type: 'json' };
import envelopes from '@signet/shared/vectors/envelope/cases.json' with { type: 'json' };
import type { VerifyCompute } from './compute.ts';
import { expected, hex, plain, utf8 } from './vector-values.contract.ts';

/** The suite of `VerifyCompute`, inside of a `describe`. */
export function describeVerify(opened: Promise<{ readonly verify: VerifyCompute }>): void {
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
    const { verify } = await opened;
    const sealed = envelopes.cases.find((one) => one.name === 'as it was sealed');
    const key_id: string = JSON.parse(sealed?.envelope ?? '').signatures[0].keyid;
    const public_key = hex(sealed?.public_key);
    const outcomes = await verify.decodeKeyIds([key_id, `did:key:${key_id}`, '', 'z', `${key_id}1`, key_id.slice(1)]);
    const refused = { ok: false, code: 'key.malformed' };
    expect(outcomes).toEqual([{ ok: true, public_key }, { ok: true, public_key }, refused, refused, refused, refused]);
  });
}

function nodeVerifies(item: { public_key: Uint8Array; message: Uint8Array; signature: Uint8Array }): boolean {
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), item.public_key]);
  return verify(null, item.message, createPublicKey({ key: der, format: 'der', type: 'spki' }), item.signature);
}
