/** How long answers took, by a word of ours such as an action. */
export interface Durations {
  /** Call what it gives when the head of the answer is there. */
  begin(action: string): () => void;
  read(): readonly Duration[];
}

export interface Duration {
  readonly action: string;
  /** Answers that took at most `bounds_s[i]` and more than the bound before; the last: more than all. Not cumulative. */
  readonly counts: readonly number[];
  readonly sum_s: number;
}

/** Upper bounds in seconds: a decision takes a millisecond, a model half a minute. */
export const bounds_s = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30] as const;

/**
 * Of this process alone, from its start: the log counts, and does not time.
 *
 * @param elapsed milliseconds of a clock that is never set back
 */
export function makeDurations({ elapsed }: { elapsed: () => number }): Durations {
  const byAction = new Map<string, { counts: number[]; sum_s: number }>();

  function note(action: string, taken_s: number): void {
    const kept = byAction.get(action) ?? { counts: Array.from({ length: bounds_s.length + 1 }, () => 0), sum_s: 0 };
    byAction.set(action, kept);
    const found = bounds_s.findIndex((bound) => taken_s <= bound);
    const index = found === -1 ? bounds_s.length : found;
    kept.counts[index] = (kept.counts[index] ?? 0) + 1;
    kept.sum_s += taken_s;
  }

  return {
    begin(action) {
      const began = elapsed();
      return () => note(action, (elapsed() - began) / 1000);
    },
    read: () => [...byAction].map(([action, { counts, sum_s }]) => ({ action, counts: [...counts], sum_s })),
  };
}
