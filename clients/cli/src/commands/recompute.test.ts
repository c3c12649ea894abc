import { expect, test } from '@jest/globals';
import { openWasmCompute } from '@signet/functions/adapters/wasm/wasm-compute.ts';
import type { JsonObject } from '@signet/functions/domain/json.ts';
import { recompute } from './recompute.ts';

const text = 'nothing that a gate would mind';
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A verdict by one gate, as a verified statement has it. */
async function statement(): Promise<JsonObject> {
  const { gates } = await openWasmCompute();
  const { scorers } = await gates.describeScorers();
  const leak = scorers.find(({ id }) => id === 'leak/1')?.sha256 ?? '';
  const entry = { g: 'G8', state: 'pass', enforcement: 'strict', score: 10_000, bar: 10_000, attain: 10_000 };
  const predicate = {
    content_type: 'text/plain',
    chain: [{ ...entry, facts: { cards: 0, ibans: 0, keys: 0 } }],
    scorers: { 'leak/1': leak },
    claimed: {},
    ihsan: 10_000,
    ihsan_min: 1,
    result: 'passed',
  };
  return { predicateType: 'urn:signet:gate-verdict:v1', predicate };
}

test.each([
  ['the text', text],
  ['its content record', JSON.stringify({ content: text, salt: 'ab'.repeat(16) })],
])('a verdict is computed again from %s', async (_, file) => {
  const { gates } = await openWasmCompute();
  expect(await recompute(await statement(), bytes(file), gates)).toEqual({
    same: true,
    gates: [{ g: 'G8', outcome: 'same' }],
  });
});

test('and comes out otherwise from another text', async () => {
  const { gates } = await openWasmCompute();
  expect(await recompute(await statement(), bytes('4111111111111111'), gates)).toMatchObject({ same: false });
});

test('what is no verdict of gates is a matter of usage', async () => {
  const { gates } = await openWasmCompute();
  const other = { predicateType: 'urn:signet:decision:v1', predicate: {} };
  await expect(recompute(other, bytes(text), gates)).rejects.toThrow('expected a receipt of a gate verdict');
  await expect(recompute(undefined, bytes(text), gates)).rejects.toThrow('expected a receipt of a gate verdict');
});
