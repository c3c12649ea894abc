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
  /** Published entries; `counts` of the committed ones by predicate type. */
  head(): Promise<{ readonly size: number; readonly counts: { readonly [kind: string]: number } }>;
}
