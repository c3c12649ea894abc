import type { CompactionRules } from './compaction-rules.ts';
import type { Level, Manifest } from './manifest.ts';

/** One new segment: of which old ones, of the delta rows or not, at which level. */
export interface CompactionPlan {
  /** Places in the manifest, ascending and without a gap, so that ranges of `seq` never overlap. */
  readonly merged: readonly number[];
  readonly takesDelta: boolean;
  readonly level: Level;
}

/**
 * What a compaction does next; undefined when nothing is worth it. Delta rows become a segment of level 1; the eighth of a
 * level is not written beside the others but with them, as one of the next level; a segment with too many dead rows is
 * written anew. So a row is written about once a level, and a query meets few segments.
 *
 * @param delta_rows 0 where they are to stay
 */
export function planCompaction(
  { segments }: Pick<Manifest, 'segments'>,
  delta_rows: number,
  rules: CompactionRules & {
    /** Whether segments hold what they were made from; else no other can be made of them. */
    readonly keepsRows: boolean;
  },
): CompactionPlan | undefined {
  if (!rules.keepsRows) return delta_rows > 0 ? { merged: [], takesDelta: true, level: 1 } : undefined;
  if (delta_rows > 0) return planWithDelta(segments, delta_rows, rules);
  const shares = segments.map(({ rows, dead }) => (dead?.rows ?? 0) / rows);
  const worst = shares.indexOf(Math.max(...shares));
  const segment = segments[worst];
  if (segment === undefined || (shares[worst] ?? 0) <= rules.dead_share_max) return undefined;
  return { merged: [worst], takesDelta: false, level: segment.level };
}

function planWithDelta(
  segments: Manifest['segments'],
  delta_rows: number,
  { segments_per_level, segment_rows_max }: CompactionRules,
): CompactionPlan {
  let level: Level = 1;
  let rows = delta_rows;
  /** From here on everything is merged. */
  let first = segments.length;
  while (level < 3) {
    // The newest stand last, so those of one level are a run at the end of what is not merged yet.
    let begin = first;
    while (segments[begin - 1]?.level === level) begin -= 1;
    const run = segments.slice(begin, first);
    rows += run.reduce((sum, { rows: of, dead }) => sum + of - (dead?.rows ?? 0), 0);
    if (run.length + 1 < segments_per_level || rows > segment_rows_max) break;
    first = begin;
    level = level === 1 ? 2 : 3;
  }
  return { merged: segments.map((_, place) => place).slice(first), takesDelta: true, level };
}
