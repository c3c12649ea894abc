import { expect, test } from '@jest/globals';
import referenceFile from '../../../layers/models/reference.json' with { type: 'json' };
import { checkVectors, readReference } from '../models/check-vectors.ts';
import type { EmbedCompute } from './compute.ts';
import paraphrases from './paraphrases.json' with { type: 'json' };

/** The suite of `EmbedCompute` over the default model, inside of a `describe`; `opened` is asked in each test. */
export function describeEmbed(opened: () => Promise<{ readonly embed: EmbedCompute; readonly model: string }>): void {
  const embedder = async () => {
    const { embed, model } = await opened();
    return (texts: readonly string[], more: Partial<Parameters<EmbedCompute['embed']>[0]> = {}) =>
      embed.embed({ model, texts, input_type: 'document', truncate: 'end', ...more });
  };

  test('agrees with NumPy, alone and in a batch', async () => {
    const { embed: compute } = await opened();
    const check = await checkVectors({ compute, reference: readReference(referenceFile) });
    expect(check).toMatchObject({ kind: 'agrees', texts: 19 });
  });

  test('ranks the paraphrase of every query first', async () => {
    const embed = await embedder();
    const { pairs } = paraphrases;
    const passages = await embed(pairs.map(({ passage }) => passage));
    const queries = await embed(
      pairs.map(({ query }) => query),
      { input_type: 'query' },
    );
    const wrong = pairs.filter((_, row) => best(rowOf(queries, row), passages) !== row).map(({ query }) => query);
    expect(wrong).toEqual([]);
    expect(pairs.length).toBeGreaterThanOrEqual(20);
  });

  test('refuses an empty text and, where asked to, an overlong one by place', async () => {
    const embed = await embedder();
    await expect(embed(['a', ' '])).rejects.toMatchObject({
      name: 'ComputeRefusedError',
      code: 'empty_text',
      index: 1,
    });
    const long = 'word '.repeat(300);
    await expect(embed(['a', long], { truncate: 'error' })).rejects.toMatchObject({
      code: 'input_too_long',
      index: 1,
      facts: { tokens: 302, max: 256 },
    });
    expect(await embed(['a', long])).toMatchObject({ truncated: [1], tokens: Uint32Array.of(3, 256) });
  });

  test('gives vectors of norm 1 in the order of the texts, also to many requests at once', async () => {
    const embed = await embedder();
    const texts = Array.from({ length: 12 }, (_, index) => `text number ${index}`);
    const together = await embed(texts, { precision: 'fp32' });
    const single = await Promise.all(texts.map((text) => embed([text], { precision: 'fp32' })));
    for (const [row, { vectors, dimension }] of single.entries()) {
      const expected = rowOf(together, row);
      expect(vectors).toHaveLength(dimension);
      expect(Math.max(...vectors.map((value, at) => Math.abs(value - (expected[at] ?? NaN))))).toBeLessThan(1e-5);
      expect(Math.hypot(...vectors)).toBeCloseTo(1, 5);
    }
  });

  test('in int8 a vector hardly knows of its neighbours, and not at all of those of equal length', async () => {
    const embed = await embedder();
    const texts = Array.from({ length: 40 }, (_, index) => `sentence ${index} about harbours `.repeat((index % 5) + 1));
    const together = await embed(texts, { precision: 'int8' });
    for (const [row, text] of texts.entries()) {
      const alone = await embed([text], { precision: 'int8' });
      expect(cosine(alone.vectors, rowOf(together, row))).toBeGreaterThanOrEqual(0.9995);
    }
    const [first] = texts;
    const pair = async (other: string) => rowOf(await embed([first ?? '', other], { precision: 'int8' }), 0);
    expect(await pair('a word or two of mine')).toEqual(await pair('the tide is out again'));
  });

  test('an aborted request ends with the reason of the abort', async () => {
    const embed = await embedder();
    const [before, during] = [new AbortController(), new AbortController()];
    before.abort(new Error('client gone'));
    await expect(embed(['a'], { signal: before.signal })).rejects.toThrow('client gone');
    const texts = Array.from({ length: 200 }, (_, index) => `sentence number ${index} `.repeat(10));
    const running = embed(texts, { signal: during.signal });
    setImmediate(() => during.abort(new Error('client gone')));
    await expect(running).rejects.toThrow('client gone');
    expect((await embed(['a'])).tokens).toEqual(Uint32Array.of(3));
  });

  test('has nothing to do with a model that is not there', async () => {
    const embed = await embedder();
    await expect(embed(['a'], { model: 'of-another-name' })).rejects.toThrow();
  });
}

interface Rows {
  readonly vectors: Float32Array;
  readonly dimension: number;
}

function rowOf({ vectors, dimension }: Rows, row: number): Float32Array {
  return vectors.subarray(row * dimension, (row + 1) * dimension);
}

function cosine(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0) / (Math.hypot(...a) * Math.hypot(...b));
}

function best(query: Float32Array, passages: Rows): number {
  const scores = Array.from({ length: passages.vectors.length / passages.dimension }, (_, row) =>
    rowOf(passages, row).reduce((sum, value, at) => sum + value * (query[at] ?? 0), 0),
  );
  return scores.indexOf(Math.max(...scores));
}
