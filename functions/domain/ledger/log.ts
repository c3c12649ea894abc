import type { Tally } from '../metrics/tally.ts';

/** A file of the log as `/log/` serves it. */
export interface ServedFile {
  readonly bytes: Uint8Array;
  /** `checkpoint` changes; everything else never does. */
  readonly is_immutable: boolean;
}

/** The published log, for readers. */
export interface Log {
  readonly origin: string;
  readonly vkeys: readonly string[];
  /** Undefined for a path that is none, or that the published size has no file for. */
  file(path: string): Promise<ServedFile | undefined>;
  /** Entry `index` as it was sealed; undefined beyond the published size. */
  entry(index: number): Promise<Uint8Array | undefined>;
  /**
   * The tlog-proof text of entry `index` in the published checkpoint, with `extra` as it is; undefined when the entry is
   * not published.
   */
  proof(request: { index: number; extra: Uint8Array }): Promise<string | undefined>;
  /** Proof that the published tree begins with that of `old`; undefined when it is smaller. */
  consistency(
    old: number,
  ): Promise<{ readonly note: string; readonly size: number; readonly proof: Uint8Array } | undefined>;
  head(): Promise<LogHead>;
  /** The head and the entries that are not in it yet, read together. */
  totals(): Promise<LogHead & { readonly unsealed: readonly Uint8Array[] }>;
}

/** The log as it is published. */
export interface LogHead {
  readonly size: number;
  /** Lower-case hex. */
  readonly root: string;
  /** What its entries say together. */
  readonly counts: Tally;
  /** Unix milliseconds; absent before the first entry. */
  readonly checkpoint_at?: number;
}
