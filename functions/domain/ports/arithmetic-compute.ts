import type { Metric } from './compute.ts';

/**
 * Arithmetic on vectors that are at hand. Rows of one `dimension` (1 or more) stand one after the other, all numbers are
 * finite: who calls has checked both. Results are f32, within 1e-5 × |a||b| of exact ones.
 */
export interface ArithmeticCompute {
  /** Each query with each row, queries outside: a score (larger is better) or a distance (smaller is closer). */
  comparePairs(request: {
    metric: Metric;
    as: 'score' | 'distance';
    dimension: number;
    queries: Float32Array;
    rows: Float32Array;
  }): Promise<Float32Array>;
  /** Each row divided by its norm; a zero row stays. */
  normalise(request: { dimension: number; rows: Float32Array }): Promise<Float32Array>;
  /** The k best rows by score, ties by lower row. */
  findTop(request: {
    metric: Metric;
    dimension: number;
    query: Float32Array;
    rows: Float32Array;
    k: number;
  }): Promise<{ rows: Uint32Array; scores: Float32Array }>;
  /** Which instructions serve: `scalar`, `sse2`, `avx2`, `avx512`, `neon`, `simd128` … */
  describeKernels(): Promise<{ isa: string }>;
}
