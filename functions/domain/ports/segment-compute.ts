import type { JsonObject } from '../json.ts';
import type { Metric } from './compute.ts';

/**
 * Rows at rest and in memory, computed in Rust: builds segment files (`docs/formats/segment.md`), opens them with every
 * chunk verified, and searches them together with the rows that were written since. Rust builds no storage keys: segments
 * come as a file path or as bytes, and go as bytes.
 *
 * A **view** is one namespace as of one manifest: its segments, what is dead in them, and the rows appended since. It
 * follows a namespace like this: `openSegment` for each segment of the manifest, `openView`, `appendRows` for the rows
 * above `compacted_seq`, then `appendRows` again for what each query finds new. A new manifest is a new view over the
 * same segment handles; a handle may be in many views.
 *
 * Compaction is the same calls: a view over the segments to merge, `appendRows` for the delta, `buildSegment` from it,
 * and `tombstones` of a view over the segments that stay.
 *
 * Asynchronous always; whoever is refused gets a `ComputeRefusedError` with one of {@link SegmentRefusal}.
 */
export interface SegmentCompute {
  /** A segment of all live rows of a view. A view without live rows: `empty_segment`. Byte for byte the same on every build. */
  buildSegment(request: SegmentRequest): Promise<BuiltSegment>;
  /**
   * Reads and verifies the opening block alone; the rest is read when first needed, in whole chunks, each verified before
   * use. A damaged file is refused, here or at the first use of the damaged part: `segment.*`.
   */
  openSegment(request: {
    /** 64 hex digits: BLAKE3 of the opening block. */
    readonly name: string;
    readonly open_len: number;
    readonly source: SegmentSource;
  }): Promise<OpenedSegment>;
  /** Reads everything and checks all of it, structure included. */
  verifySegment(segment: SegmentHandle): Promise<void>;
  /** Views over it keep it until they are closed too. Closing what is not open is no error. */
  closeSegment(segment: SegmentHandle): Promise<void>;
  openView(request: ViewRequest): Promise<ViewHandle>;
  closeView(view: ViewHandle): Promise<void>;
  /**
   * Writes in the order of `seq`. A row hides the row of the same id that is older, in the segments whose `max_seq` is
   * below its `seq` and among the rows appended before. Values are rounded to what the collection stores, so that
   * compaction changes no score. All rows are refused together: `index` says which is at fault. A row that no segment
   * can store is refused with `out_of_range`: a component of 65,520 or more where rows are `f16` and the metric is not
   * cosine, a norm over 1e18 where it is not.
   */
  appendRows(view: ViewHandle, rows: readonly AppendedRow[]): Promise<void>;
  search(view: ViewHandle, query: ViewQuery): Promise<ViewAnswer>;
  /** In the order of `ids`; undefined where no live row has the id. */
  lookUp(
    view: ViewHandle,
    request: { readonly ids: readonly string[]; readonly include: Included },
  ): Promise<readonly (StoredRow | undefined)[]>;
  /** Ids of live rows in byte order, above `after`, at most `limit`. */
  listIds(
    view: ViewHandle,
    request: { readonly prefix: string; readonly after?: string; readonly limit: number },
  ): Promise<readonly string[]>;
  /** Live rows that a filter lets through. */
  countRows(view: ViewHandle, filter?: JsonObject): Promise<number>;
  /** For each segment of the view, in its order, the rows that are dead: what the next manifest stores as tombstones. */
  tombstones(view: ViewHandle): Promise<readonly Uint8Array[]>;
  /** Bytes that are in memory for open segments and views. */
  residentBytes(): Promise<number>;
}

export type SegmentHandle = number;
export type ViewHandle = number;

/** What a segment keeps of the rows beside their codes: half precision, single precision, or nothing. */
export type StoredRows = 'f16' | 'f32' | 'none';

/** The adapter reads `path` by itself and may drop what it read; `bytes` stay in memory until the segment is closed. */
export type SegmentSource = { readonly path: string } | { readonly bytes: Uint8Array };

export interface RowSettings {
  readonly metric: Metric;
  /** 1 to 4,096. */
  readonly dimension: number;
  readonly rows: StoredRows;
  /** Whether `content` is searched by words. */
  readonly text: boolean;
}

export interface SegmentRequest {
  readonly view: ViewHandle;
  /** 16 hex digits: seeds the rotation. All segments of a collection share it, a query is rotated once. */
  readonly rotation_key: string;
  /** The range of `seq` that the segment stands for: what is in it hides older rows, what is appended above it hides its. */
  readonly min_seq: number;
  readonly max_seq: number;
}

export interface BuiltSegment {
  readonly bytes: Uint8Array;
  readonly name: string;
  readonly open_len: number;
  readonly rows: number;
}

export interface OpenedSegment extends RowSettings {
  readonly segment: SegmentHandle;
  readonly rotation_key: string;
  /** In the file, dead ones included. */
  readonly row_count: number;
  readonly min_seq: number;
  readonly max_seq: number;
  readonly file_bytes: number;
}

export interface ViewRequest extends RowSettings {
  /**
   * Segments of these settings, in any order: of two rows with one id the one in the segment with the higher `max_seq` is
   * alive. `tombstones`: ascending row numbers, little-endian u32.
   */
  readonly segments: readonly { readonly segment: SegmentHandle; readonly tombstones?: Uint8Array }[];
}

export type AppendedRow =
  | {
      readonly kind: 'vector';
      readonly seq: number;
      /** 1 to 512 bytes. */
      readonly id: string;
      readonly values: Float32Array;
      readonly metadata?: JsonObject;
      readonly content?: string;
    }
  | { readonly kind: 'gone'; readonly seq: number; readonly id: string }
  /** Every older row that matches is gone. */
  | { readonly kind: 'gone_where'; readonly seq: number; readonly filter: JsonObject };

export interface Included {
  readonly metadata?: boolean;
  readonly values?: boolean;
  readonly content?: boolean;
}

export interface ViewQuery {
  readonly mode: 'dense' | 'lexical' | 'hybrid';
  /** For `dense` and `hybrid`. */
  readonly values?: Float32Array;
  /** For `lexical` and `hybrid`. */
  readonly text?: string;
  /** 1 to 10,000. */
  readonly k: number;
  readonly filter?: JsonObject;
  /** Scores every allowed row on its stored values. */
  readonly exact?: boolean;
  readonly report?: boolean;
  /** Of the two lists in `hybrid`; 1 each unless told. */
  readonly weights?: { readonly dense: number; readonly lexical: number };
  /** Hits below are left out: of the one list, or of each list of `hybrid`. */
  readonly min_dense_score?: number;
  readonly min_lexical_score?: number;
  /** At least so many candidates of the first stage. */
  readonly candidates_min?: number;
  readonly include?: Included;
}

export interface ViewAnswer {
  /** Best first; equal scores by id, in byte order. */
  readonly hits: readonly ViewHit[];
  readonly score_kind: 'cosine' | 'dot' | 'l2' | 'bm25' | 'rrf';
  /** Live rows that the filter let through. */
  readonly rows_allowed: number;
  /** Newest write that was searched: of the rows appended, or of the segments. */
  readonly seq: number;
  /** With `report`, of the dense list. */
  readonly report?: RecallReport;
}

export interface ViewHit extends StoredRow {
  /** Larger is better. */
  readonly score: number;
  /** Smaller is closer: 1 - cosine, -dot, the L2 distance, its square; of lexical and fused hits 0. */
  readonly distance: number;
}

export interface StoredRow {
  readonly id: string;
  readonly metadata?: JsonObject;
  /** As stored; absent where a segment keeps no rows. */
  readonly values?: Float32Array;
  readonly content?: string;
}

export interface RecallReport {
  /** `exact`: every allowed row was scored on its stored values. `bounded`: no row left out can be among the best k. */
  readonly certainty: 'exact' | 'bounded' | 'estimated';
  /** 0 to 1; 1 where exact or bounded. */
  readonly expected_recall: number;
  /** Of the first stage. */
  readonly candidates: number;
  readonly rows_scanned: number;
  /** Of codes and stored rows, in memory or not. */
  readonly bytes_read: number;
}

export type SegmentRefusal =
  /** A number is not finite, or too large for what the collection stores; `index`: of the row or, in a query, of the number. */
  | 'non_finite'
  | 'out_of_range'
  | 'zero_vector'
  | 'dimension_mismatch'
  /** `facts.path` says where. */
  | 'invalid_filter'
  | 'invalid_metadata'
  /** `exact` where no rows are stored. */
  | 'no_stored_rows'
  | 'empty_segment'
  | 'segment_too_large'
  /** A segment of other settings in a view. */
  | 'segment_mismatch'
  | 'handle_closed'
  | 'id_length'
  | `segment.${string}`;
