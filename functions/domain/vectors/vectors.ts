import type { Call } from '../call.ts';
import type { Judged } from '../decisions/judge.ts';
import type { JsonObject } from '../json.ts';
import type { Metric, Precision } from '../ports/compute.ts';
import type { MeasuredRecall } from './measure-recall.ts';
import type { RecallReport, StoredRows } from '../ports/segment-compute.ts';

export interface Collection {
  readonly name: string;
  readonly metric: Metric;
  readonly dimension: number;
  /** What is kept of the values beside their codes. */
  readonly stored_rows: StoredRows;
  /** Whether `content` is searched by words. */
  readonly text: boolean;
  /** Share of the queries that are asked again exactly, to measure recall. */
  readonly recall_sample: number;
  /** Embedding model id, weights' digest and precision, when texts may be put and queried. */
  readonly model?: string;
  readonly model_digest?: string;
  readonly precision?: Precision;
  /** Live ones, of all namespaces. */
  readonly rows: number;
  readonly seq: number;
  /** Unix seconds. */
  readonly created: number;
}

export interface NewCollection {
  readonly name: string;
  /** One of dimension and model, or both where they agree. */
  readonly dimension?: number;
  readonly model?: string;
  readonly metric: Metric;
  /** `f16` unless told. */
  readonly stored_rows?: StoredRows;
  readonly text?: boolean;
  /** 0.01 unless told. */
  readonly recall_sample?: number;
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
  /** As stored: rounded, where a collection keeps half precision. */
  readonly values?: readonly number[];
  readonly metadata?: JsonObject;
  readonly content?: string;
}

export type Include = 'metadata' | 'values' | 'content';

export interface QueryRequest {
  /** `dense`: exactly one of values, text and id. `lexical`: text. `hybrid`: text, and the values that it has if not the model's. */
  readonly values?: readonly number[] | Float32Array;
  readonly text?: string;
  readonly id?: string;
  readonly mode?: 'dense' | 'lexical' | 'hybrid';
  readonly k: number;
  readonly filter?: JsonObject;
  readonly include: readonly Include[];
  /** Of the one list that there is. */
  readonly min_score?: number;
  readonly min_dense_score?: number;
  readonly min_lexical_score?: number;
  readonly weights?: { readonly dense: number; readonly lexical: number };
  readonly exact?: boolean;
  readonly report?: boolean;
  readonly namespace: string;
}

export interface Hit extends VectorRow {
  /** Larger is better. */
  readonly score: number;
  /** Smaller is closer; of `dense` queries. */
  readonly distance?: number;
}

export interface QueryAnswer {
  readonly hits: readonly Hit[];
  readonly score_kind: 'cosine' | 'dot' | 'l2' | 'bm25' | 'rrf';
  readonly seq: number;
  /** Counts the compactions of the namespace. */
  readonly generation: number;
  /** Names what was searched: BLAKE3 of collection, namespace, manifest and `seq`. */
  readonly snapshot: string;
  readonly report?: RecallReport;
}

export interface CollectionStats {
  readonly namespaces: readonly NamespaceStats[];
}

export interface NamespaceStats {
  readonly namespace: string;
  readonly rows: number;
  readonly seq: number;
  readonly generation: number;
  readonly segments: readonly {
    readonly level: number;
    readonly rows: number;
    readonly dead: number;
    readonly bytes: number;
  }[];
  /** Writes that wait to be compacted, and their JSON. */
  readonly delta: { readonly rows: number; readonly bytes: number };
  /** Of the last sampled queries that were not exact anyway; absent before the first. */
  readonly measured_recall?: MeasuredRecall;
}

/** Which rows of which namespace. */
export interface Place {
  readonly collection: string;
  readonly namespace: string;
}

export interface Vectors {
  create(call: Call, request: NewCollection): Promise<Judged<Collection>>;
  list(
    call: Call,
    request: { prefix?: string; cursor?: string; limit: number },
  ): Promise<{ collections: readonly Collection[]; cursor?: string }>;
  describe(call: Call, name: string): Promise<Collection>;
  stats(call: Call, name: string): Promise<CollectionStats>;
  drop(call: Call, name: string): Promise<Judged<null>>;
  dropNamespace(call: Call, place: Place): Promise<Judged<null>>;
  put(
    call: Call,
    request: Place & { vectors: readonly VectorInput[] },
  ): Promise<Judged<{ seq: number; upserted: number; ids: readonly string[]; truncated: readonly number[] }>>;
  /** Merges into the metadata of rows that are there (RFC 7396); their vectors and contents stay. */
  patch(
    call: Call,
    request: Place & { patches: readonly { id: string; metadata: JsonObject }[] },
  ): Promise<Judged<{ seq: number; patched: readonly string[]; missing: readonly string[] }>>;
  query(call: Call, request: QueryRequest & { collection: string }): Promise<Judged<QueryAnswer>>;
  get(
    call: Call,
    request: Place & { ids: readonly string[]; include: readonly Include[] },
  ): Promise<{ found: readonly VectorRow[]; missing: readonly string[] }>;
  /** Live rows, all or those that a filter lets through. */
  count(call: Call, request: Place & { filter?: JsonObject }): Promise<{ count: number; seq: number }>;
  /** Ids in byte order. */
  ids(
    call: Call,
    request: Place & { prefix?: string; cursor?: string; limit: number },
  ): Promise<{ ids: readonly string[]; cursor?: string }>;
  /** By ids or by filter, exactly one. */
  delete(
    call: Call,
    request: Place & { ids?: readonly string[]; filter?: JsonObject },
  ): Promise<Judged<{ seq: number; deleted: number }>>;
  /** Has the rows that wait made into a segment now. */
  compact(call: Call, place: Place): Promise<Judged<{ state: 'acquired' | 'held' | 'nothing' }>>;
}
