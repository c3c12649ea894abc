import type { Item } from '../ports/table.ts';

/** Which segments a namespace is made of, as of one compaction; never changed once it is written. */
export interface Manifest {
  /** Counts the compactions of the namespace; 0 before the first. */
  readonly generation: number;
  /** Newest write that is in the segments; what is above stands in delta rows. */
  readonly compacted_seq: number;
  /** Oldest first: the ranges of `seq` ascend. */
  readonly segments: readonly ManifestSegment[];
}

export interface ManifestSegment {
  /** Of the object, and the BLAKE3 of its opening block. */
  readonly name: string;
  readonly open_len: number;
  readonly bytes: number;
  /** In the file, dead ones included. */
  readonly rows: number;
  readonly level: Level;
  readonly min_seq: number;
  readonly max_seq: number;
  /** Rows that were replaced or deleted since the segment was made. */
  readonly dead?: Tombstones;
}

/** An object of ascending row numbers, little-endian u32. */
export interface Tombstones {
  readonly name: string;
  readonly rows: number;
}

/** 1 from delta rows, 2 from eight of those, 3 from eight of those. */
export type Level = 1 | 2 | 3;

export const noManifest: Manifest = { generation: 0, compacted_seq: 0, segments: [] };

export function manifestItem(manifest: Manifest): Item {
  return manifest as unknown as Item;
}

/** Only `manifestItem` writes such rows, so what comes back has this shape. */
export function readManifest(item: Item): Manifest {
  return item as unknown as Manifest;
}

/** Objects that a manifest names. */
export function objectsOf({ segments }: Manifest): readonly string[] {
  return segments.flatMap(({ name, dead }) => (dead === undefined ? [name] : [name, dead.name]));
}
