import { expect, test } from '@jest/globals';
import { z } from 'zod';
import { FunctionUnavailableError, payload_bytes_max, PayloadTooLargeError } from './function-call.ts';
import type { InvokeFunction } from './function-call.ts';
import { lambdaProof } from './lambda-proof.ts';

const requestSchema = z.object({ operation: z.string(), frame: z.string() });

/** A function that refuses every item with the item itself as the code; `calls` has operation and count of each call. */
function openProof() {
  const calls: [operation: string, items: number][] = [];
  const invoke: InvokeFunction = async ({ payload }) => {
    expect(Buffer.byteLength(JSON.stringify(payload))).toBeLessThanOrEqual(payload_bytes_max.reply);
    const { operation, frame } = requestSchema.parse(payload);
    const bytes = Buffer.from(frame, 'base64');
    const count = bytes.readUInt32LE(0);
    calls.push([operation, count]);
    const answers: Buffer[] = [];
    for (let at = 4; at < bytes.length; ) {
      const end = at + 4 + bytes.readUInt32LE(at);
      answers.push(Buffer.of(0), bytes.subarray(at, end));
      at = end;
    }
    return { frame: Buffer.concat(answers).toString('base64') };
  };
  return { calls, ...lambdaProof({ invoke, function_name: 'sign-envelope' }) };
}

test('a request that fits is one call', async () => {
  const { calls, verify } = openProof();
  expect(await verify.decodeKeyIds(['one', 'two'])).toEqual([
    { ok: false, code: 'one' },
    { ok: false, code: 'two' },
  ]);
  expect(calls).toEqual([['decode_key_ids', 2]]);
});

test('items beyond a payload go in several calls, their outcomes in order', async () => {
  const { calls, verify } = openProof();
  const key_ids = Array.from({ length: 100_000 }, (_, index) => `key ${index}`);
  const outcomes = await verify.decodeKeyIds(key_ids);
  expect(outcomes.map((one) => (one.ok ? '' : one.code))).toEqual(key_ids);
  expect(calls.length).toBeGreaterThan(1);
});

test('what may grow in the answer is given room for it', async () => {
  const { calls, digest } = openProof();
  await digest.canonicalise(Array.from({ length: 6 }, () => new Uint8Array(500_000).fill(0x31)));
  expect(calls).toEqual([
    ['canonicalise', 1],
    ['canonicalise', 1],
    ['canonicalise', 1],
    ['canonicalise', 1],
    ['canonicalise', 1],
    ['canonicalise', 1],
  ]);
});

test('what no payload takes is refused in its place, or an error where there is no code for it', async () => {
  const { calls, digest, verify } = openProof();
  const [small, large] = [Buffer.from('1'), new Uint8Array(5_000_000)];
  expect(await digest.canonicalise([small, large, small])).toEqual([
    { ok: false, code: '1' },
    { ok: false, code: 'json.size' },
    { ok: false, code: '1' },
  ]);
  expect(calls).toHaveLength(2);
  const key = new Uint8Array(32);
  const codes = [
    await verify.openEnvelopes([{ envelope: large, public_key: key }]),
    await verify.verifyDocuments([{ document_json: large, public_key: key }]),
    await verify.decodeKeyIds(['z'.repeat(5_000_000)]),
  ].map(([one]) => (one?.ok === false ? one.code : ''));
  expect(codes).toEqual(['json.size', 'json.size', 'key.malformed']);
  const too_large = { name: 'PayloadTooLargeError' };
  const throwing = lambdaProof({
    function_name: 'f',
    invoke: async ({ payload }) => {
      throw new PayloadTooLargeError({ bytes: JSON.stringify(payload).length, bytes_max: payload_bytes_max.reply });
    },
  });
  await expect(throwing.digest.digest([large])).rejects.toMatchObject(too_large);
});

test('nothing is asked without items', async () => {
  const { calls, digest, verify } = openProof();
  expect([await verify.verifySignatures([]), await digest.digest([])]).toEqual([[], []]);
  expect(calls).toEqual([]);
});

test('a function that is out of reach is a capability that is missing for a while', async () => {
  const { verify, digest } = lambdaProof({
    function_name: 'f',
    invoke: async () => {
      throw new FunctionUnavailableError({ function_name: 'f', failure: 'unknown' }, { cause: new Error('x') });
    },
  });
  const missing = (capability: string) => ({ name: 'CapabilityUnavailableError', capability });
  await expect(verify.decodeKeyIds(['a'])).rejects.toMatchObject(missing('verify'));
  await expect(digest.canonicalise([new Uint8Array(1)])).rejects.toMatchObject(missing('digest'));
});
