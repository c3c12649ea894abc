import type { KeyHandle, Outcome } from './compute.ts';

/** A file of the log: its path below the prefix (`tile/0/000.p/3`), and its bytes. */
export interface LogFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What is to be proved of a log: that an entry is in it, or that it continues what it was. */
export type LogClaim =
  | { readonly kind: 'inclusion'; readonly index: number; readonly size: number }
  | { readonly kind: 'consistency'; readonly old: number; readonly size: number };

/** A tree head; `root` is 32 bytes. */
export interface TreeHead {
  readonly origin: string;
  readonly size: number;
  readonly root: Uint8Array;
}

/**
 * Merkle trees, tiles, signed notes and policies of transparency logs (RFC 6962 and the C2SP specifications), computed in
 * Rust. Hashes stand one behind the other, 32 bytes each. Codes: `log.*`, and those of keys and signatures.
 */
export interface LedgerCompute {
  /** Paths of the partial tiles at the right edge of a tree, from level 0 up: what `grow` takes as `tiles`. */
  edge(size: number): Promise<readonly string[]>;
  /**
   * Appends entries (a bundle: each with its length in two bytes, big-endian, before it). `bundle` has the entries under the
   * partial tile of level 0. Answers the root before and after, and every file that is new.
   */
  grow(request: { size: number; tiles: Uint8Array; bundle: Uint8Array; entries: Uint8Array }): Promise<
    Outcome<{
      old_root: Uint8Array;
      size: number;
      root: Uint8Array;
      files: readonly LogFile[];
    }>
  >;
  /** Paths of the tiles, in order, whose bytes `prove` takes. */
  plan(claim: LogClaim): Promise<Outcome<{ paths: readonly string[] }>>;
  prove(request: { claim: LogClaim; tiles: Uint8Array }): Promise<Outcome<{ proof: Uint8Array }>>;
  /** `log.inclusion` unless `entry` is entry `index` of the tree. */
  verifyInclusion(request: {
    entry: Uint8Array;
    index: number;
    size: number;
    root: Uint8Array;
    proof: Uint8Array;
  }): Promise<Outcome<object>>;
  /** `log.consistency` unless the tree of `size` begins with the tree of `old`. */
  verifyConsistency(request: {
    old: number;
    size: number;
    old_root: Uint8Array;
    root: Uint8Array;
    proof: Uint8Array;
  }): Promise<Outcome<object>>;
  /**
   * Reads a checkpoint and verifies it by `vkeys`: at least one must have signed, and none may have signed wrongly. `signed`
   * are places in `vkeys`; `text` is what was signed.
   */
  openCheckpoint(request: {
    note: string;
    vkeys: readonly string[];
  }): Promise<Outcome<TreeHead & { text: string; signed: readonly number[] }>>;
  /** Takes a tlog-proof text apart; nothing in it is verified, `extra` least of all. */
  readLogProof(
    text: Uint8Array,
  ): Promise<Outcome<{ extra: Uint8Array; index: number; proof: Uint8Array; checkpoint: string }>>;
  /** Judges a checkpoint by a tlog-policy: `log.origin`, `key.unknown`, `sig.*`, `log.quorum`. */
  judgeCheckpoint(request: {
    note: string;
    policy: Uint8Array;
  }): Promise<Outcome<TreeHead & { witnesses: readonly string[]; has_quorum: boolean }>>;
  /** Takes the body of `add-checkpoint` apart; nothing in it is verified. */
  readWitnessRequest(
    body: Uint8Array,
  ): Promise<Outcome<TreeHead & { old: number; proof: Uint8Array; checkpoint: string }>>;
}

/**
 * One signature line for a checkpoint's text. A `log` key signs texts that begin with `name`, its origin; a `witness` key
 * cosigns at `time` (Unix seconds).
 */
export interface NoteRequest {
  readonly handle: KeyHandle;
  readonly name: string;
  readonly text: string;
  readonly time?: number;
}
