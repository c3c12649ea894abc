import { expect, test } from '@jest/globals';
import { openWasmCompute } from '../../adapters/wasm/wasm-compute.ts';
import type { JsonObject } from '../json.ts';
import { callVectorOp } from './call-vector-op.ts';
import { makeVectorOps } from './make-vector-ops.ts';
import type { OpsMetric } from './vector-ops.ts';

const opened = openWasmCompute().then(({ arithmetic }) =>
  makeVectorOps({ compute: arithmetic, version: '1.2.3', platform: 'test', served_by: () => 'wasm' }),
);

async function call(name: string, given: JsonObject): Promise<unknown> {
  return callVectorOp(await opened, name, given);
}

test.each<[string, JsonObject, unknown]>([
  ['dot_product', { a: [1, 2, 3], b: [4, 5, 6] }, 32],
  ['euclidean_distance', { a: [0, 0], b: [3, 4] }, 5],
  ['cosine_similarity', { a: [1, 0], b: [0, 1] }, 0],
  ['cosine_similarity', { a: [2, 2], b: [1, 1] }, 1],
  ['cosine_similarity', { a: [0, 0], b: [1, 1] }, 0],
  ['cosine_similarity', { a: [1, 2, 3], b: [1, 2], on_mismatch: 'zero' }, 0],
  ['normalize', { v: [0, 3, 4] }, [0, Math.fround(0.6), Math.fround(0.8)]],
  ['normalize', { v: [0, 0] }, [0, 0]],
  ['cosine_similarity_batch', { a: [1, 0], vs: [[2, 0], [0, 2], [-1, 0]] }, [1, 0, -1]], // prettier-ignore
  ['cosine_similarity_batch', { a: [[1, 0], [0, 1]], vs: [[2, 0]] }, [[1], [0]]], // prettier-ignore
  ['cosine_similarity_batch', { a: [1, 0], vs: [[2, 0], [1], [3, 0]], on_mismatch: 'zero' }, [1, 0, 1]], // prettier-ignore
  ['cosine_similarity_matrix', { qs: [[1, 0], [0, 1]], ds: [[2, 0], [0, 2], [3, 0]] }, [[1, 0, 1], [0, 1, 0]]], // prettier-ignore
  ['pairwise_distances', { vs: [[0, 0], [3, 4]], metric: 'euclidean' }, [[0, 5], [5, 0]]], // prettier-ignore
  ['pairwise_distances', { vs: [[1, 2], [3, 4]], metric: 'dot_product' }, [[-5, -11], [-11, -25]]], // prettier-ignore
  ['pairwise_distances', { vs: [[0.3, 0.7, 0.1]] }, [[0]]],
  ['top_k_similar', { q: [1, 0], ds: [[0, 1], [2, 0], [1, 0]], k: 2 }, [[1, 1], [2, 1]]], // prettier-ignore
  ['top_k_similar', { q: [1], ds: [[5], [7]], k: 9, metric: 'inner_product' }, [[1, 7], [0, 5]]], // prettier-ignore
  ['top_k_similar', { q: [0, 0], ds: [[3, 4]], k: 1, metric: 'squared_euclidean' }, [[0, Math.fround(1 / 26)]]],
])('%s %j', async (name, given, expected) => {
  expect(await call(name, given)).toEqual(expected);
});

test.each<[string, JsonObject, unknown]>([
  ['dot_product', { a: [], b: [] }, 0],
  ['cosine_similarity', { a: [], b: [] }, 0],
  ['euclidean_distance', { a: [], b: [] }, 0],
  ['cosine_similarity_batch', { a: [1], vs: [] }, []],
  ['cosine_similarity_matrix', { qs: [], ds: [[1]] }, []],
  ['cosine_similarity_matrix', { qs: [[1]], ds: [] }, [[]]],
  ['pairwise_distances', { vs: [] }, []],
  ['top_k_similar', { q: [1], ds: [], k: 3 }, []],
])('of nothing: %s %j', async (name, given, expected) => {
  expect(await call(name, given)).toEqual(expected);
});

const pair = { a: [1, 2, 3], b: [1, 2, 3, 4] };

test.each<[string, JsonObject, { reason: string; param: string; detail?: string }]>([
  ['dot_product', pair, { reason: 'dimension_mismatch', param: 'b', detail: 'Vector length mismatch: 3 vs 4' }],
  ['euclidean_distance', pair, { reason: 'dimension_mismatch', param: 'b', detail: 'Vector length mismatch: 3 vs 4' }],
  ['cosine_similarity', pair, { reason: 'dimension_mismatch', param: 'b', detail: 'Vector length mismatch: 3 vs 4' }],
  [
    'cosine_similarity_matrix',
    { qs: [[1, 2]], ds: [[1, 2], [1]] },
    { reason: 'dimension_mismatch', param: 'ds[1]', detail: 'Vector length mismatch: 2 vs 1' },
  ],
  ['cosine_similarity_batch', { a: [1], vs: [[1, 2]] }, { reason: 'dimension_mismatch', param: 'vs[0]' }],
  ['pairwise_distances', { vs: [[1], [2], [3, 4]] }, { reason: 'dimension_mismatch', param: 'vs[2]' }],
  ['top_k_similar', { q: [1], ds: [[1, 2]], k: 1 }, { reason: 'dimension_mismatch', param: 'ds[0]' }],
  ['dot_product', { a: [1, 1e39], b: [1, 2] }, { reason: 'non_finite', param: 'a[1]' }],
  ['cosine_similarity_matrix', { qs: [[1]], ds: [[1], [-4e38]] }, { reason: 'non_finite', param: 'ds[1][0]' }],
  ['normalize', { v: [] }, { reason: 'empty_vector', param: 'v' }],
  ['top_k_similar', { q: [], ds: [], k: 1 }, { reason: 'empty_vector', param: 'q' }],
  ['pairwise_distances', { vs: [[1], []] }, { reason: 'empty_vector', param: 'vs[1]' }],
  ['top_k_similar', { q: [1], ds: [[1]], k: 0 }, { reason: 'k', param: 'k' }],
  ['top_k_similar', { q: [1], ds: [[1]], k: 1.5 }, { reason: 'k', param: 'k' }],
  ['top_k_similar', { q: [1], ds: [[1]] }, { reason: 'k', param: 'k' }],
  ['pairwise_distances', { vs: [[1]], metric: 'manhattan' }, { reason: 'metric', param: 'metric' }],
  ['pairwise_distances', { vs: [[1]], metric: 3 }, { reason: 'metric', param: 'metric' }],
  ['cosine_similarity', { a: [1], b: [1], on_mismatch: 'ignore' }, { reason: 'on_mismatch', param: 'on_mismatch' }],
  ['dot_product', { a: [1] }, { reason: 'vector', param: 'b' }],
  ['dot_product', { a: [1], b: ['1'] }, { reason: 'vector', param: 'b' }],
  ['cosine_similarity_matrix', { qs: [[1]], ds: [1] }, { reason: 'vector', param: 'ds[0]' }],
  ['cosine_similarity_matrix', { qs: [[1]], ds: 'x' }, { reason: 'vectors', param: 'ds' }],
  ['dot_product', { a: [1], b: [1], c: 1 }, { reason: 'argument', param: 'c' }],
])('refuses %s %j', async (name, given, facts) => {
  await expect(call(name, given)).rejects.toMatchObject({ public: { code: 'invalid_request', ...facts } });
});

test('refuses more results than a request may have', async () => {
  const many = Array.from({ length: 1001 }, () => [1]);
  await expect(call('pairwise_distances', { vs: many })).rejects.toMatchObject({
    public: { code: 'invalid_request', reason: 'result_too_large' },
  });
});

test('knows no other operation', async () => {
  for (const name of ['dot', 'constructor', '__proto__']) {
    await expect(call(name, {})).rejects.toMatchObject({ public: { code: 'not_found' } });
  }
});

test('says what serves', async () => {
  expect(await call('runtime_info', {})).toEqual({
    version: '1.2.3',
    native_available: false,
    python_version: null,
    platform: 'test',
    isa: 'simd128',
    served_by: 'wasm',
  });
});

test.each<OpsMetric>(['cosine', 'euclidean', 'squared_euclidean', 'dot_product'])(
  'distances by %s agree with doubles',
  async (metric) => {
    const vs = Array.from({ length: 9 }, (_, row) =>
      Array.from({ length: 131 }, (_, at) => Math.fround(Math.sin(row * 131 + at))),
    );
    const lines = await (await opened).pairwise_distances(vs, metric);
    for (const [row, line] of lines.entries()) {
      for (const [column, distance] of line.entries()) {
        const exact = exactDistance(metric, vs[row] ?? [], vs[column] ?? []);
        expect(Math.abs(distance - exact)).toBeLessThanOrEqual(1e-5 * 4 * 131);
        if (row === column && metric !== 'dot_product') expect(distance).toBe(0);
      }
    }
  },
);

function exactDistance(metric: OpsMetric, a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, value, at) => sum + value * (y[at] ?? 0), 0);
  const squared = a.reduce((sum, value, at) => sum + (value - (b[at] ?? 0)) ** 2, 0);
  if (metric === 'cosine') return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  if (metric === 'euclidean') return Math.sqrt(squared);
  return metric === 'squared_euclidean' ? squared : -dot(a, b);
}
