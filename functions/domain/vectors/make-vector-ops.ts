import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { ArithmeticCompute } from '../ports/arithmetic-compute.ts';
import type { Metric } from '../ports/compute.ts';
import { invalid } from './check-request.ts';
import { distanceMetrics, type OpsMetric, type VectorLike, type VectorOps } from './vector-ops.ts';

export interface VectorOpsFacts {
  readonly compute: ArithmeticCompute;
  readonly version: string;
  readonly platform: string;
  /** Which build of the crates serves now. */
  readonly served_by: () => string;
}

/** The arithmetic of `neuralcore` over the compute port. */
export function makeVectorOps({ compute, version, platform, served_by }: VectorOpsFacts): VectorOps {
  /** One pair; two empty vectors come to 0. */
  const pair = async (metric: Metric, as: 'score' | 'distance', a: Float32Array, b: Float32Array): Promise<number> => {
    if (a.length === 0) return 0;
    const [result = 0] = await compute.comparePairs({ metric, as, dimension: a.length, queries: a, rows: b });
    return result;
  };

  const checkedPair = (metric: Metric, as: 'score' | 'distance', a: VectorLike, b: VectorLike): Promise<number> => {
    const [x, y] = [floatsOf(a, 'a'), floatsOf(b, 'b')];
    checkLength(x, y, 'b');
    return pair(metric, as, x, y);
  };

  const table = async (
    metric: Metric,
    as: 'score' | 'distance',
    queries: readonly Float32Array[],
    rows: readonly Float32Array[],
  ): Promise<readonly Float32Array[]> => {
    const dimension = queries[0]?.length ?? 0;
    if (rows.length === 0 || dimension === 0) return queries.map(() => new Float32Array(0));
    const cells = await compute.comparePairs({ metric, as, dimension, queries: joined(queries), rows: joined(rows) });
    return queries.map((_, at) => cells.subarray(at * rows.length, (at + 1) * rows.length));
  };

  /** Vectors of different lengths have the cosine 0; the others are compared as they are. */
  const tolerantTable = async (
    queries: readonly Float32Array[],
    rows: readonly Float32Array[],
  ): Promise<readonly Float32Array[]> =>
    Promise.all(
      queries.map(async (query) => {
        const fitting = rows.flatMap((row, at) => (row.length === query.length ? [at] : []));
        const same = fitting.map((at) => rows[at] ?? query);
        const [cosines = new Float32Array(0)] = await table('cosine', 'score', [query], same);
        const line = new Float32Array(rows.length);
        for (const [place, at] of fitting.entries()) line[at] = cosines[place] ?? 0;
        return line;
      }),
    );

  const matrix: VectorOps['cosine_similarity_matrix'] = async (qs, ds, options) => {
    checkCells(qs.length, ds.length);
    const queries = floatsOfAll(qs, 'qs');
    const rows = floatsOfAll(ds, 'ds');
    if (options?.on_mismatch === 'zero') return tolerantTable(queries, rows);
    checkLengths(queries, queries, 'qs');
    checkLengths(queries, rows, 'ds');
    return table('cosine', 'score', queries, rows);
  };

  return {
    dot_product: async (a, b) => checkedPair('dot_product', 'score', a, b),
    euclidean_distance: async (a, b) => checkedPair('euclidean', 'distance', a, b),
    async cosine_similarity(a, b, options) {
      const [x, y] = [floatsOf(a, 'a'), floatsOf(b, 'b')];
      if (options?.on_mismatch === 'zero' && x.length !== y.length) return 0;
      checkLength(x, y, 'b');
      return pair('cosine', 'score', x, y);
    },
    async normalize(v) {
      const row = floatsOf(v, 'v');
      checkFilled(row, 'v');
      return compute.normalise({ dimension: row.length, rows: row });
    },
    async cosine_similarity_batch(a, vs, options) {
      if (isList(a)) return matrix(a, vs, options);
      checkCells(1, vs.length);
      const query = floatsOf(a, 'a');
      checkFilled(query, 'a');
      const rows = floatsOfAll(vs, 'vs');
      if (options?.on_mismatch !== 'zero') checkLengths([query], rows, 'vs');
      const [line = new Float32Array(0)] = await tolerantTable([query], rows);
      return line;
    },
    cosine_similarity_matrix: matrix,
    async pairwise_distances(vs, metric = 'cosine') {
      const known = metricOf(metric);
      checkCells(vs.length, vs.length);
      const rows = floatsOfAll(vs, 'vs');
      checkLengths(rows, rows, 'vs');
      return table(known, 'distance', rows, rows);
    },
    async top_k_similar(q, ds, k, metric = 'cosine') {
      const known = metricOf(metric);
      if (!Number.isSafeInteger(k) || k < 1) throw invalid('k', 'k', `expected a whole \`k\` of 1 or more, got ${k}`);
      checkCells(1, ds.length);
      const query = floatsOf(q, 'q');
      checkFilled(query, 'q');
      const rows = floatsOfAll(ds, 'ds');
      checkLengths([query], rows, 'ds');
      if (rows.length === 0) return [];
      const found = await compute.findTop({
        metric: known,
        dimension: query.length,
        query,
        rows: joined(rows),
        k: Math.min(k, rows.length),
      });
      return Array.from(found.rows, (row, at) => [row, found.scores[at] ?? 0] as const);
    },
    async runtime_info() {
      const build = served_by();
      const { isa } = await compute.describeKernels();
      return {
        version,
        native_available: build === 'native',
        python_version: null,
        platform,
        isa,
        served_by: build,
      };
    },
  };
}

function isList(a: VectorLike | readonly VectorLike[]): a is readonly VectorLike[] {
  return Array.isArray(a) && a.length > 0 && typeof a[0] !== 'number';
}

function metricOf(metric: OpsMetric): Metric {
  if (!distanceMetrics.includes(metric)) {
    throw invalid('metric', 'metric', `expected \`metric\` to be one of ${distanceMetrics.join(', ')}`);
  }
  return metric === 'inner_product' ? 'dot_product' : metric;
}

/** As f32. `param` is where the vector stands in the request. */
function floatsOf(vector: VectorLike, param: string): Float32Array {
  const floats = Float32Array.from(vector);
  const at = floats.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    throw invalid('non_finite', `${param}[${at}]`, `expected finite numbers within the range of f32 in \`${param}\``);
  }
  return floats;
}

function floatsOfAll(vectors: readonly VectorLike[], param: string): readonly Float32Array[] {
  return vectors.map((vector, at) => {
    const floats = floatsOf(vector, `${param}[${at}]`);
    checkFilled(floats, `${param}[${at}]`);
    return floats;
  });
}

function checkFilled(vector: Float32Array, param: string): void {
  if (vector.length === 0) throw invalid('empty_vector', param, `expected at least one number in \`${param}\``);
}

function checkLength(a: Float32Array, b: Float32Array, param: string): void {
  if (a.length === b.length) return;
  throw invalid('dimension_mismatch', param, `Vector length mismatch: ${a.length} vs ${b.length}`);
}

/** All of `vectors` are as long as the first of `expected`. */
function checkLengths(expected: readonly Float32Array[], vectors: readonly Float32Array[], param: string): void {
  const [first] = expected;
  if (first === undefined) return;
  for (const [at, vector] of vectors.entries()) checkLength(first, vector, `${param}[${at}]`);
}

function checkCells(queries: number, rows: number): void {
  const most = limits.vectors.ops_cells_max;
  if (queries * rows <= most) return;
  throw invalid('result_too_large', 'vectors', `expected at most ${most} results, got ${queries} × ${rows}`);
}

function joined(vectors: readonly Float32Array[]): Float32Array {
  const dimension = vectors[0]?.length ?? 0;
  const all = new Float32Array(dimension * vectors.length);
  for (const [at, vector] of vectors.entries()) all.set(vector, at * dimension);
  return all;
}
