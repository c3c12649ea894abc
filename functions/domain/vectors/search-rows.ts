import type { Metric, ScoreCompute } from '../ports/compute.ts';
import type { Predicate } from './filter.ts';
import type { MatrixView } from './row-matrix.ts';
import type { QueryAnswer } from './vectors.ts';

export interface FoundRow {
  readonly id: string;
  readonly slot: number;
  /** Larger is better: cosine, dot product, or 1/(1+distance). */
  readonly score: number;
  /** Smaller is closer: 1 - cosine, -dot, the L2 distance, or its square. */
  readonly distance: number;
}

/** Exact top-k over the rows of a view that `allows` lets through; equal scores in the order of writing. */
export async function searchRows({
  score,
  view,
  query,
  metric,
  k,
  allows,
}: {
  score: ScoreCompute;
  view: MatrixView;
  query: Float32Array;
  metric: Metric;
  k: number;
  allows: Predicate | undefined;
}): Promise<{ readonly hits: readonly FoundRow[]; readonly rows_scanned: number }> {
  const dimension = query.length;
  const slots = allows === undefined ? undefined : allowedSlots(view, allows);
  const count = slots?.length ?? view.slots;
  if (count === 0) return { hits: [], rows_scanned: 0 };

  const top = await score.topK({
    metric,
    dimension,
    query,
    rows: slots === undefined ? view.rows : gathered(view.rows, slots, dimension),
    // Dead slots are scored with the rest; asking for so many more leaves k live ones whatever they score.
    k: Math.min(count, slots === undefined ? k + view.dead.size : k),
  });

  const hits: FoundRow[] = [];
  for (const [rank, row] of top.rows.entries()) {
    const slot = slots === undefined ? row : slots[row];
    const value = top.scores[rank];
    const id = slot === undefined ? undefined : view.ids[slot];
    if (slot === undefined || value === undefined || id === undefined) {
      throw new Error('the score capability named a row that it was not given');
    }
    if (view.dead.has(slot)) continue;
    hits.push({ id, slot, score: value, distance: distanceOf(metric, value) });
    if (hits.length === k) break;
  }
  return { hits, rows_scanned: slots === undefined ? view.slots - view.dead.size : count };
}

export function scoreKind(metric: Metric): QueryAnswer['score_kind'] {
  switch (metric) {
    case 'cosine':
      return 'cosine';
    case 'dot_product':
      return 'dot';
    case 'euclidean':
    case 'squared_euclidean':
      return 'l2';
    default:
      return metric satisfies never;
  }
}

function allowedSlots({ slots, metadata, dead }: MatrixView, allows: Predicate): Uint32Array {
  const allowed: number[] = [];
  for (let slot = 0; slot < slots; slot += 1) {
    if (!dead.has(slot) && allows(metadata[slot])) allowed.push(slot);
  }
  return Uint32Array.from(allowed);
}

function gathered(rows: Float32Array, slots: Uint32Array, dimension: number): Float32Array {
  const chosen = new Float32Array(slots.length * dimension);
  slots.forEach((slot, index) => {
    chosen.set(rows.subarray(slot * dimension, (slot + 1) * dimension), index * dimension);
  });
  return chosen;
}

/** Back from the score, so that arithmetic over rows stays in one place; within f32's rounding of the score. */
function distanceOf(metric: Metric, score: number): number {
  switch (metric) {
    case 'cosine':
      return 1 - score;
    case 'dot_product':
      return -score;
    case 'euclidean':
    case 'squared_euclidean':
      return Math.max(0, 1 / score - 1);
    default:
      return metric satisfies never;
  }
}
