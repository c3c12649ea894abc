import { expect, test } from '@jest/globals';
import scores from '@signet/shared/vectors/score/cases.json' with { type: 'json' };
import type { Metric, ScoreCompute } from './compute.ts';

/** The suite of `ScoreCompute`, inside of a `describe`. */
export function describeScore(opened: Promise<{ readonly score: ScoreCompute }>): void {
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
