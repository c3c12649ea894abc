import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { openTestNode, testCall, type TestNode } from '../../../tests/fixtures/open-test-node.ts';
import type { Metric } from '../ports/compute.ts';
import { openVectors, type OpenedVectors } from '../../../tests/fixtures/open-vectors.ts';

let node: TestNode;
beforeAll(async () => {
  node = await openTestNode();
});
afterAll(() => node.close());

const dimension = 5;
const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const values = fc
  .array(fc.integer({ min: -50, max: 50 }), { minLength: dimension, maxLength: dimension })
  .filter((row) => row.some((value) => value !== 0));
const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      put: fc.array(fc.record({ id: fc.constantFrom(...ids), values, group: fc.nat(2) }), {
        minLength: 1,
        maxLength: 5,
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ delete: fc.subarray(ids, { minLength: 1 }) }) },
  { weight: 1, arbitrary: fc.record({ deleteGroup: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ patch: fc.constantFrom(...ids), group: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ compact: fc.constant(true) }) },
  {
    weight: 3,
    arbitrary: fc.record({ query: values, k: fc.integer({ min: 1, max: 10 }), group: fc.option(fc.nat(2)) }),
  },
);

interface TwinRow {
  readonly id: string;
  readonly values: readonly number[];
  readonly group: number;
}

test('any history of writes answers queries as a plain list of the newest rows does', async () => {
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom<Metric>('cosine', 'dot_product', 'euclidean', 'squared_euclidean'),
      fc.array(step, { minLength: 1, maxLength: 20 }),
      async (metric, steps) => {
        runs += 1;
        const collection = `p${runs}`;
        const [first, second] = [open(), open()];
        await first.create(testCall(), { name: collection, dimension, metric, stored_rows: 'f32' });
        let twin: TwinRow[] = [];
        for (const [index, taken] of steps.entries()) {
          // Two processes take turns: what one wrote the other must see.
          const vectors = index % 2 === 0 ? first : second;
          const place = { collection, namespace: 'default' };
          if ('put' in taken) {
            await vectors.put(testCall(), {
              ...place,
              vectors: taken.put.map(({ id, values: row, group }) => ({ id, values: row, metadata: { group } })),
            });
            for (const row of taken.put) twin = [...twin.filter(({ id }) => id !== row.id), row];
          } else if ('delete' in taken) {
            await vectors.delete(testCall(), { ...place, ids: taken.delete });
            twin = twin.filter(({ id }) => !taken.delete.includes(id));
          } else if ('deleteGroup' in taken) {
            await vectors.delete(testCall(), { ...place, filter: { group: taken.deleteGroup } });
            twin = twin.filter(({ group }) => group !== taken.deleteGroup);
          } else if ('patch' in taken) {
            const patches = [{ id: taken.patch, metadata: { group: taken.group } }];
            await vectors.patch(testCall(), { ...place, patches });
            twin = twin.map((row) => (row.id === taken.patch ? { ...row, group: taken.group } : row));
          } else if ('compact' in taken) {
            await vectors.compactNow(place);
          } else {
            const { value } = await vectors.query(testCall(), {
              ...place,
              values: taken.query,
              k: taken.k,
              include: ['values'],
              ...(taken.group === null ? {} : { filter: { group: taken.group } }),
            });
            const allowed = twin.filter(({ group }) => taken.group === null || group === taken.group);
            const expected = bruteForce(metric, taken.query, allowed).slice(0, taken.k);
            expect(value.hits).toHaveLength(expected.length);
            for (const [rank, hit] of value.hits.entries()) {
              const row = allowed.find(({ id }) => id === hit.id);
              // A row of a cosine collection is kept as its direction and its length.
              for (const [at, value] of (row?.values ?? []).entries()) {
                expect(Math.abs((hit.values?.[at] ?? NaN) - value)).toBeLessThanOrEqual(1e-5 * Math.abs(value));
              }
              // By score and not by id: f32 and f64 may order near-equal rows differently.
              const tolerance = 1e-4 * Math.max(1, Math.abs(expected[rank]?.score ?? 0));
              expect(Math.abs(hit.score - (expected[rank]?.score ?? NaN))).toBeLessThanOrEqual(tolerance);
              expect(Math.abs(hit.score - scoreOf(metric, taken.query, row?.values ?? []))).toBeLessThanOrEqual(
                tolerance,
              );
            }
          }
        }
      },
    ),
    { numRuns: 60 },
  );
}, 60_000);

function open(): OpenedVectors {
  return openVectors(node);
}

function bruteForce(
  metric: Metric,
  query: readonly number[],
  rows: readonly TwinRow[],
): { id: string; score: number }[] {
  return rows
    .map(({ id, values: row }) => ({ id, score: scoreOf(metric, query, row) }))
    .sort((a, b) => b.score - a.score);
}

function scoreOf(metric: Metric, a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, value, index) => sum + value * (y[index] ?? 0), 0);
  const squared = a.reduce((sum, value, index) => sum + (value - (b[index] ?? 0)) ** 2, 0);
  switch (metric) {
    case 'cosine':
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
    case 'dot_product':
      return dot(a, b);
    case 'euclidean':
      return 1 / (1 + Math.sqrt(squared));
    case 'squared_euclidean':
      return 1 / (1 + squared);
    default:
      return metric satisfies never;
  }
}
