import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openWasmCompute } from '../wasm/wasm-compute.ts';
import { multibase, multikey } from './multikey.ts';

test('the strict decoder reads back what was encoded', async () => {
  const { verify } = await openWasmCompute();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (public_key) => {
      const [outcome] = await verify.decodeKeyIds([multikey(public_key)]);
      // Not every 32 bytes are a key; which are is not this test's business.
      if (outcome?.ok === true) expect(new Uint8Array(outcome.public_key)).toEqual(public_key);
      else expect(outcome).toEqual({ ok: false, code: 'key.malformed' });
    }),
  );
});

test.each([
  ['', 'z'],
  ['00', 'z1'],
  ['0000287fb4cd', 'z11233QC4'],
  ['48656c6c6f20576f726c6421', 'z2NEpo7TZRRrLZSi2U'],
])('base58 of %s', (hex, text) => {
  expect(multibase(Buffer.from(hex, 'hex'))).toBe(text);
});
