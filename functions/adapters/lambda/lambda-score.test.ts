import { expect, test } from '@jest/globals';
import { z } from 'zod';
import type { Metric } from '../../domain/ports/compute.ts';
import { openWasmCompute } from '../wasm/wasm-compute.ts';
import { decodeFloats, encodeFloats } from '../../domain/float-base64.ts';
import { FunctionUnavailableError, payload_bytes_max } from './function-call.ts';
import type { InvokeFunction } from './function-call.ts';
import { lambdaScore } from './lambda-score.ts';

const requestSchema = z.object({
  metric: z.enum(['cosine', 'dot_product', 'euclidean', 'squared_euclidean']),
  dimension: z.int(),
  k: z.int(),
  query: z.string(),
  rows: z.string(),
});

/** The function as it answers, in this process; `calls` has the rows of each call. */
async function openScore() {
  const { score } = await openWasmCompute();
  const calls: number[] = [];
  const invoke: InvokeFunction = async ({ payload }) => {
    expect(Buffer.byteLength(JSON.stringify(payload))).toBeLessThanOrEqual(payload_bytes_max.reply);
    const { metric, dimension, k, query, rows } = requestSchema.parse(payload);
    const count = Buffer.from(rows, 'base64').length / 4 / dimension;
    calls.push(count);
    const all = decodeFloats(rows, count * dimension);
    try {
      const found = await score.topK({ metric, dimension, k, query: decodeFloats(query, dimension), rows: all });
      return { ok: true, rows: [...found.rows], scores: encodeFloats(found.scores) };
    } catch (error) {
      const { code, index, message, facts } = error as { code: string; index: number; message: string; facts: object };
      return { ok: false, code, index, message, facts: { ...facts } };
    }
  };
  return { twin: score, calls, score: lambdaScore({ invoke, function_name: 'score-vectors' }) };
}

/** Few different numbers: many rows have equal scores. */
function coarse(length: number): Float32Array {
  let state = 7;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state >>> 30) - 1;
  });
}

test.each(['cosine', 'dot_product', 'euclidean', 'squared_euclidean'] as Metric[])(
  'rows beyond one payload give what one call over all of them gives, by %s, ties included',
  async (metric) => {
    const { twin, calls, score } = await openScore();
    const request = { metric, dimension: 8, query: coarse(8), rows: coarse(8 * 320_000), k: 5000 };
    const [found, expected] = [await score.topK(request), await twin.topK(request)];
    expect(calls.length).toBeGreaterThan(2);
    expect(calls.reduce((sum, rows) => sum + rows)).toBe(320_000);
    expect(Buffer.from(found.rows.buffer).equals(Buffer.from(expected.rows.buffer))).toBe(true);
    expect(Buffer.from(found.scores.buffer).equals(Buffer.from(expected.scores.buffer))).toBe(true);
  },
);

test('no rows are scored without a call', async () => {
  const { calls, score } = await openScore();
  const request = { metric: 'cosine' as const, dimension: 2, query: Float32Array.of(1, 0), rows: new Float32Array(0) };
  expect(await score.topK({ ...request, k: 3 })).toEqual({ rows: new Uint32Array(0), scores: new Float32Array(0) });
  expect(calls).toEqual([]);
});

test('a number that is none is found by its row among all, the lowest first', async () => {
  const { score } = await openScore();
  const rows = coarse(8 * 320_000);
  rows[8 * 300_000 + 3] = NaN;
  rows[8 * 319_999] = Infinity;
  const request = { metric: 'cosine' as const, dimension: 8, query: coarse(8), rows, k: 1 };
  const refusal = { name: 'ComputeRefusedError', code: 'non_finite', index: 300_000, facts: { in: 'rows' } };
  await expect(score.topK(request)).rejects.toMatchObject(refusal);
});

test('a function that is out of reach is a capability that is missing for a while', async () => {
  const of = (failure: 'busy' | 'permanent') =>
    lambdaScore({
      function_name: 'score-vectors',
      invoke: async () => {
        throw new FunctionUnavailableError({ function_name: 'score-vectors', failure }, { cause: new Error('x') });
      },
    }).topK({ metric: 'cosine', dimension: 1, query: Float32Array.of(1), rows: Float32Array.of(1), k: 1 });
  await expect(of('busy')).rejects.toMatchObject({
    name: 'CapabilityUnavailableError',
    capability: 'score',
    state: { ready_in_s: 5 },
  });
  await expect(of('permanent')).rejects.toMatchObject({ name: 'FunctionUnavailableError' });
});

test('an answer of another length is not passed on', async () => {
  const score = lambdaScore({ function_name: 'f', invoke: async () => ({ rows: [0, 1], scores: '' }) });
  const request = {
    metric: 'cosine' as const,
    dimension: 1,
    query: Float32Array.of(1),
    rows: Float32Array.of(1),
    k: 1,
  };
  await expect(score.topK(request)).rejects.toThrow('expected 1 rows below 1');
});
