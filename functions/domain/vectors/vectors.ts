import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { Json, JsonObject } from '../json.ts';
import type { Metric } from '../ports/compute.ts';

export interface Collection {
  readonly name: string;
  readonly metric: Metric;
  readonly dimension: number;
  /** Embedding model id and weights' digest, when texts may be put and queried. */
  readonly model?: string;
  readonly model_digest?: string;
  readonly rows: number;
  readonly seq: number;
  /** Unix seconds. */
  readonly created: number;
}

export interface VectorInput {
  readonly id?: string;
  /** Exactly one of values and text. */
  readonly values?: readonly number[] | Float32Array;
  readonly text?: string;
  readonly metadata?: JsonObject;
  readonly content?: string;
}

export interface VectorRow {
  readonly id: string;
  readonly values?: readonly number[];
  readonly metadata?: JsonObject;
  readonly content?: string;
}

export interface QueryRequest {
  /** Exactly one of values, text and id. */
  readonly values?: readonly number[] | Float32Array;
  readonly text?: string;
  readonly id?: string;
  readonly k: number;
  readonly filter?: JsonObject;
  readonly include: readonly ('metadata' | 'values' | 'content')[];
  readonly min_score?: number;
  readonly namespace: string;
}

export interface Hit {
  readonly id: string;
  readonly score: number;
  readonly distance: number;
  readonly metadata?: JsonObject;
  readonly content?: string;
  readonly values?: readonly number[];
}

export interface QueryAnswer {
  readonly hits: readonly Hit[];
  readonly score_kind: 'cosine' | 'dot' | 'l2';
  readonly seq: number;
  /** Names what was searched: BLAKE3 of (collection, namespace, seq). */
  readonly snapshot: string;
  readonly rows_scanned: number;
}

export interface Vectors {
  create(
    call: Call,
    request: { name: string; dimension?: number; model?: string; metric: Metric },
  ): Promise<Judged<Collection>>;
  list(
    call: Call,
    request: { prefix?: string; cursor?: string; limit: number },
  ): Promise<{
    collections: readonly Collection[];
    cursor?: string;
  }>;
  describe(call: Call, name: string): Promise<Collection>;
  drop(call: Call, name: string): Promise<Judged<null>>;
  put(
    call: Call,
    request: { collection: string; namespace: string; vectors: readonly VectorInput[] },
  ): Promise<Judged<{ seq: number; upserted: number; ids: readonly string[]; truncated: readonly number[] }>>;
  query(call: Call, request: QueryRequest & { collection: string }): Promise<Judged<QueryAnswer>>;
  get(
    call: Call,
    request: {
      collection: string;
      namespace: string;
      ids: readonly string[];
      include: readonly ('metadata' | 'values' | 'content')[];
    },
  ): Promise<{ found: readonly VectorRow[]; missing: readonly string[] }>;
  /** By ids or by filter, exactly one. */
  delete(
    call: Call,
    request: { collection: string; namespace: string; ids?: readonly string[]; filter?: JsonObject },
  ): Promise<Judged<{ seq: number; deleted: number }>>;
}

export type VectorJson = Json;
