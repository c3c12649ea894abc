import type { Tally } from '../metrics/tally.ts';

/** A file of the log as `/log/` serves it. */
export interface ServedFile {
  readonly bytes: Uint8Array;
  /** `checkpoint` and `cosigned` change; everything else never does. */
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
  /** Entry `from` and those after it that one file holds, at most 256; empty beyond the published size. */
  entries(from: number): Promise<readonly Uint8Array[]>;
  /**
   * The tlog-proof text of entry `index`, with `extra` as it is, in the newest checkpoint with cosignatures that has it, or
   * else in the published one; undefined when the entry is not published.
   */
  proof(request: { index: number; extra: Uint8Array }): Promise<string | undefined>;
  /** The newest checkpoint; undefined before the first. */
  published(): Promise<PublishedCheckpoint | undefined>;
  /** Proof that the tree of `size` begins with that of `old`; undefined when it is smaller, or not published. */
  consistency(claim: { old: number; size: number }): Promise<Uint8Array | undefined>;
  head(): Promise<LogHead>;
  /** The head and the entries that are not in it yet, read together. */
  totals(): Promise<LogHead & { readonly unsealed: readonly Uint8Array[] }>;
}

export interface PublishedCheckpoint {
  readonly note: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
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
