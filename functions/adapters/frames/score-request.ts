import { ComputeRefusedError, type Metric } from '../../domain/ports/compute.ts';

/** Numbers of the metrics on the Rust side. */
export const metricNumbers: Record<Metric, number> = {
  cosine: 0,
  dot_product: 1,
  euclidean: 2,
  squared_euclidean: 3,
};

/** How many rows there are. Shapes that do not fit are the caller's bug: `TypeError`. */
export function countRows(request: { dimension: number; query: Float32Array; rows: Float32Array; k: number }): number {
  const { dimension, query, rows, k } = request;
  if (!Number.isInteger(dimension) || dimension < 1) throw new TypeError(`expected a \`dimension\` of 1 or more`);
  if (!Number.isInteger(k) || k < 1) throw new TypeError(`expected a \`k\` of 1 or more`);
  if (query.length !== dimension) throw new TypeError(`expected a query of ${dimension} numbers, got ${query.length}`);
  if (rows.length % dimension !== 0) {
    throw new TypeError(`expected rows of ${dimension} numbers, got ${rows.length} numbers in all`);
  }
  return rows.length / dimension;
}

/** A NaN or an infinity reached the boundary. */
export function nonFinite(facts: { in: 'query' | 'rows'; index: number }): ComputeRefusedError {
  const where = facts.in === 'query' ? `number ${facts.index} of the query` : `row ${facts.index}`;
  return new ComputeRefusedError({
    code: 'non_finite',
    index: facts.index,
    message: `expected finite numbers, ${where} has another`,
    facts: { in: facts.in },
  });
}
