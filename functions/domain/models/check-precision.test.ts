import { expect, test } from '@jest/globals';
import texts from '../../../layers/models/check-texts.json' with { type: 'json' };
import type { EmbedCompute } from '../ports/compute.ts';
import { checkPrecision, readCheckTexts, type CheckTexts } from './check-precision.ts';

const some: CheckTexts = {
  queries: Array.from({ length: 4 }, (_, index) => `query ${index}`),
  passages: Array.from({ length: 30 }, (_, index) => `passage ${index}`),
};

/** Eight numbers made of the characters; `spoil` changes those of int8 by the text and the number of its neighbours. */
const engine = (spoil: (value: number, at: number, neighbours: number) => number): EmbedCompute => ({
  async embed({ texts: asked, precision }) {
    const vectors = new Float32Array(asked.length * 8);
    asked.forEach((text, row) => {
      for (let at = 0; at < 8; at += 1) {
        const value = Math.sin(
          Array.from(text).reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), at + 1) % 1000,
        );
        vectors[row * 8 + at] = precision === 'int8' ? spoil(value, at, asked.length) : value;
      }
    });
    return { vectors, dimension: 8, tokens: new Uint32Array(asked.length).fill(3), truncated: [] };
  },
});

const check = (spoil: Parameters<typeof engine>[0]) =>
  checkPrecision({ compute: engine(spoil), model: 'm', precision: 'int8', texts: some });

test('numbers that hardly differ pass', async () => {
  const quality = await check((value) => Math.round(value * 4096) / 4096);
  expect(quality).toMatchObject({ texts: 34, queries: 4, is_equal_for_equal_shape: true, passed: true });
  expect(quality.cosine_mean).toBeGreaterThan(0.999);
});

test('coarse numbers fail by their cosine', async () => {
  const quality = await check((value) => Math.sign(value));
  expect(quality.cosine_lowest).toBeLessThan(0.97);
  expect(quality.passed).toBe(false);
});

test('numbers that depend on the batch fail by the neighbours', async () => {
  const quality = await check((value, at, neighbours) => (at === 0 ? value + neighbours / 10 : value));
  expect(quality.neighbours_lowest).toBeLessThan(0.9995);
  expect(quality.passed).toBe(false);
});

test('numbers that differ from call to call fail, however little', async () => {
  let calls = 0;
  const quality = await check((value) => value + (calls += 1) * 1e-7);
  expect(quality).toMatchObject({ is_equal_for_equal_shape: false, passed: false });
});

test('no number passes no gate', async () => {
  expect(await check(() => NaN)).toMatchObject({ passed: false });
});

test('the committed texts are a thousand, a hundred of them queries, none twice', () => {
  const { queries, passages } = readCheckTexts(texts);
  expect([queries.length, passages.length]).toEqual([100, 900]);
  expect(new Set([...queries, ...passages]).size).toBe(1000);
});
