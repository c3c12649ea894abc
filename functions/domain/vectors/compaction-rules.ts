import limits from '@signet/shared/limits.json' with { type: 'json' };

/** When rows become segments, how large these are, and how long what they replaced is kept. */
export interface CompactionRules {
  /** So many rows, or so many bytes of them, are compacted at once; fewer wait `delta_ms`. */
  readonly delta_rows: number;
  readonly delta_bytes: number;
  readonly delta_ms: number;
  /** Over so many bytes that wait, writes are refused. */
  readonly delta_bytes_max: number;
  /** A compaction that could not be done for so long is given up. */
  readonly job_ms: number;
  /** A namespace that is written to all the time is not hastened at each write. */
  readonly hasten_again_ms: number;
  readonly segments_per_level: number;
  readonly segment_rows_max: number;
  /** A segment with a larger share of dead rows is written anew. */
  readonly dead_share_max: number;
  /** What was replaced can still be read for so long. */
  readonly kept_ms: number;
  /** What a compaction left behind that died is deleted after so long. */
  readonly orphan_ms: number;
}

export const compactionRules: CompactionRules = limits.vectors.compaction;
