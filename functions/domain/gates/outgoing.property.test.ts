import { beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openScreens } from '../../../tests/fixtures/open-gates.ts';
import { openWasmCompute } from '../../adapters/wasm/wasm-compute.ts';
import type { GatesCompute } from '../ports/gates-compute.ts';
import type { Screens } from './screening.ts';

let compute: GatesCompute;
let screens: Screens;
beforeAll(async () => {
  compute = (await openWasmCompute()).gates;
  screens = openScreens(compute);
});

const random = 'q7Zp2LmX9vKc4RtB8nWy5HsD3fGjA6eU1oTi';
const text = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '4111111111111111',
        '4111 1111 1111 1112',
        '3782 822463 10005',
        'DE89370400440532013000',
        'GB82 WEST 1234 5698 7654 32',
        `ghp_${random}`,
        `sk-${'x'.repeat(140)}`,
        '-----BEGIN PRIVATE KEY-----',
        '-----BEGIN',
        '0.4111111111111111',
        ' ',
        '\n',
        'é😀',
      ),
      fc.string({ maxLength: 12, unit: 'grapheme' }),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

/** Cut into pieces at any UTF-16 units: half a character may be the end of one. */
async function streamed(
  whole: string,
  cuts: readonly number[],
): Promise<{ sent: string; refused: boolean; most: number }> {
  const passage = screens.of('chat', { texts: [], bytes_max: 1 });
  const ends = [...cuts.map((cut) => cut % (whole.length + 1)), whole.length].sort((a, b) => a - b);
  let [sent, given, from, most] = ['', 0, 0, 0];
  try {
    for (const end of ends) {
      const piece = whole.slice(from, end);
      from = end;
      given += piece.length;
      sent += await passage.pass('0 text', piece);
      most = Math.max(most, given - sent.length);
    }
    for (const { text: rest } of await passage.end()) sent += rest;
    return { sent, refused: false, most };
  } catch {
    return { sent, refused: true, most };
  }
}

test('pieces end as the whole text does, at most 128 bytes wait, and no byte of a match leaves', async () => {
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(400), { maxLength: 10 }), async (whole, cuts) => {
      const [score] = await compute.scoreLeak([new TextEncoder().encode(whole)]);
      const { sent, refused, most } = await streamed(whole, cuts);
      expect(refused).toBe(score?.score === 0);
      expect(most).toBeLessThanOrEqual(128);
      expect(whole.startsWith(sent)).toBe(true);
      if (!refused) expect(sent).toBe(whole);
      // What left is the beginning of a text without a match, whatever comes behind it but its own continuation.
      else expect((await compute.scoreLeak([new TextEncoder().encode(`${sent} `)]))[0]?.score).toBe(10_000);
    }),
    { numRuns: 300 },
  );
});

test('one character at a time', async () => {
  await fc.assert(
    fc.asyncProperty(text, async (whole) => {
      const [score] = await compute.scoreLeak([new TextEncoder().encode(whole)]);
      const { sent, refused } = await streamed(
        whole,
        Array.from({ length: whole.length }, (_, at) => at),
      );
      expect(refused).toBe(score?.score === 0);
      if (!refused) expect(sent).toBe(whole);
    }),
    { numRuns: 100 },
  );
});
