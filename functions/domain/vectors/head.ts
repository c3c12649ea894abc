import type { Item } from '../ports/table.ts';

/** What a namespace is now; every write of it is conditional on this row. */
export interface Head {
  /** Newest write. */
  readonly seq: number;
  /** Rows that a query can find. */
  readonly rows: number;
  /** Of the manifest that holds. */
  readonly generation: number;
  /** Newest write that is in segments. */
  readonly compacted_seq: number;
  /** JSON of the delta rows above `compacted_seq`, in bytes. */
  readonly delta_bytes: number;
}

export const newHead: Head = { seq: 0, rows: 0, generation: 0, compacted_seq: 0, delta_bytes: 0 };

/** A head that was written before there were segments lacks the fields that speak of them. */
export function readHead(item: Item): Head {
  return { ...newHead, ...(item as Partial<Head>) };
}

/** What `droppedItem` left behind, as the head of a namespace that begins anew. */
export function headAfter(dropped: Item): Head {
  const seq = Number(dropped['seq']);
  return { ...newHead, seq, compacted_seq: seq, generation: Number(dropped['generation']) };
}

export function droppedItem({ seq, generation }: Head): Item {
  return { seq, generation: generation + 1 };
}
