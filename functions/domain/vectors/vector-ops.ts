import type { JsonObject } from '../json.ts';

/** Numbers of one vector, as they came. */
export type VectorLike = readonly number[] | Float32Array;

export const distanceMetrics = ['cosine', 'euclidean', 'squared_euclidean', 'dot_product', 'inner_product'] as const;

/** `inner_product` is another name of `dot_product`. */
export type OpsMetric = (typeof distanceMetrics)[number];

/** What two vectors of different lengths come to: a refusal, or (for cosines) 0. */
export type OnMismatch = 'error' | 'zero';

/**
 * Arithmetic on vectors under the names of `neuralcore`, which scripts and clients of other languages use too: that is why
 * they are spelled with underscores here.
 *
 * Numbers count as f32. Refused (400 `invalid_request`) with reason `dimension_mismatch` (`Vector length mismatch: 3 vs 4`),
 * `non_finite` (beyond f32 included; `param` names the number), `empty_vector`, `k`, `metric`, `result_too_large`.
 * Two empty vectors compare as 0, a cosine with a zero vector is 0, an empty list has an empty result.
 */
export interface VectorOps {
  dot_product(a: VectorLike, b: VectorLike): Promise<number>;
  euclidean_distance(a: VectorLike, b: VectorLike): Promise<number>;
  cosine_similarity(a: VectorLike, b: VectorLike, options?: { on_mismatch?: OnMismatch }): Promise<number>;
  /** A new vector of norm 1; a zero vector stays. */
  normalize(v: VectorLike): Promise<Float32Array>;
  /** One number for each of `vs`; where `a` is a list of vectors, as `cosine_similarity_matrix`. */
  cosine_similarity_batch(
    a: VectorLike | readonly VectorLike[],
    vs: readonly VectorLike[],
    options?: { on_mismatch?: OnMismatch },
  ): Promise<Float32Array | readonly Float32Array[]>;
  /** Rows are queries. */
  cosine_similarity_matrix(
    qs: readonly VectorLike[],
    ds: readonly VectorLike[],
    options?: { on_mismatch?: OnMismatch },
  ): Promise<readonly Float32Array[]>;
  /** n × n distances, smaller is closer: 1 - cosine, L2, L2 squared, minus the dot product. */
  pairwise_distances(vs: readonly VectorLike[], metric?: OpsMetric): Promise<readonly Float32Array[]>;
  /** The min(k, n) best as (index, score), larger is better, ties by lower index. */
  top_k_similar(
    q: VectorLike,
    ds: readonly VectorLike[],
    k: number,
    metric?: OpsMetric,
  ): Promise<readonly (readonly [index: number, score: number])[]>;
  runtime_info(): Promise<JsonObject>;
}
