import { expect, test } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { describeCompute } from '../../domain/ports/compute.contract.ts';
import { openWasmCompute } from './wasm-compute.ts';

describeCompute('compute on the WASM blob', () => openWasmCompute());

test('the blob can reach nothing but time that passes', async () => {
  const blob = await readFile(new URL('./signet.wasm', import.meta.url));
  const { module } = await WebAssembly.instantiate(blob, { signet: { elapsed_ms: () => 0 } });
  expect(WebAssembly.Module.imports(module)).toEqual([{ module: 'signet', name: 'elapsed_ms', kind: 'function' }]);
});

test('a damaged blob does not open', async () => {
  const blob = await readFile(new URL('./signet.wasm', import.meta.url));
  await expect(openWasmCompute({ blob: blob.subarray(0, 1000) })).rejects.toThrow('the WASM compute does not open');
});

test('each opening has its own keys', async () => {
  const [one, other] = await Promise.all([openWasmCompute(), openWasmCompute()]);
  const key = await one.sign.generateKey({ role: 'session', seed: new Uint8Array(32).fill(1), exportable: false });
  const payload_json = new TextEncoder().encode('{}');
  const request = { handle: key.handle, payload_type: 'application/vnd.signet.message.v1+json', payload_json };
  expect(await one.sign.sealEnvelopes([request])).toMatchObject([{ ok: true }]);
  expect(await other.sign.sealEnvelopes([request])).toEqual([{ ok: false, code: 'key.unknown' }]);
});
