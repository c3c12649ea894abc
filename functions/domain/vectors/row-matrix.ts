import type { JsonObject } from '../json.ts';
import type { DeltaRow } from './delta-row.ts';

/** What a query searches: later writes do not change it. */
export interface MatrixView {
  /** Slots, the dead ones included; row-major values of `slots` × dimension. */
  readonly slots: number;
  readonly rows: Float32Array;
  readonly ids: readonly string[];
  readonly metadata: readonly (JsonObject | undefined)[];
  readonly content: readonly (string | undefined)[];
  /** Slots whose row was replaced or deleted: scored with the rest, never answered. */
  readonly dead: ReadonlySet<number>;
}

/** So many dead slots are carried along before the matrix is written anew: a write then costs no copy of all rows. */
const dead_max = 64;

/**
 * The rows of one namespace in memory, in the order of their `seq`, as one row-major matrix. A replaced row leaves a dead
 * slot and goes to the end, so that memory after many writes and a fresh load hold the same rows in the same order.
 */
export class RowMatrix {
  readonly #dimension: number;
  /** Newest write that is in. */
  seq = 0;
  #rows: Float32Array;
  #slots = 0;
  #ids: string[] = [];
  #metadata: (JsonObject | undefined)[] = [];
  #content: (string | undefined)[] = [];
  #dead = new Set<number>();
  /** Newest write of each id; slot -1 is a deletion. */
  readonly #newest = new Map<string, { seq: number; slot: number }>();
  #payload_bytes = 0;

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.#rows = new Float32Array(0);
  }

  /** Rows that a query can find. */
  get live(): number {
    return this.#slots - this.#dead.size;
  }

  /** About what this holds in memory. */
  get bytes(): number {
    return this.#rows.byteLength + this.#payload_bytes;
  }

  /** Newest write of an id: its `seq`, and whether it is a row or a deletion. */
  newest(id: string): { readonly seq: number; readonly isLive: boolean } | undefined {
    const found = this.#newest.get(id);
    return found === undefined ? undefined : { seq: found.seq, isLive: found.slot >= 0 };
  }

  /** Takes a write in; one that is in already is ignored. */
  apply(row: DeltaRow): void {
    if (row.seq <= this.seq) return;
    this.seq = row.seq;
    const before = this.#newest.get(row.id);
    if (before !== undefined && before.slot >= 0) this.#dead.add(before.slot);
    if (row.kind === 'gone') {
      this.#newest.set(row.id, { seq: row.seq, slot: -1 });
      return;
    }
    const slot = this.#slots;
    this.#reserve(slot + 1);
    this.#rows.set(row.values, slot * this.#dimension);
    this.#ids.push(row.id);
    this.#metadata.push(row.metadata);
    this.#content.push(row.content);
    this.#slots += 1;
    this.#newest.set(row.id, { seq: row.seq, slot });
    this.#payload_bytes += payloadBytes(row);
  }

  /** The head is at `seq`: what is missing below was replaced by what is here. */
  reach(seq: number): void {
    this.seq = Math.max(this.seq, seq);
  }

  row(
    id: string,
  ):
    | { readonly values: Float32Array; readonly metadata: JsonObject | undefined; readonly content: string | undefined }
    | undefined {
    const slot = this.#newest.get(id)?.slot ?? -1;
    if (slot < 0) return undefined;
    const values = this.#rows.subarray(slot * this.#dimension, (slot + 1) * this.#dimension);
    return { values, metadata: this.#metadata[slot], content: this.#content[slot] };
  }

  view(): MatrixView {
    if (this.#dead.size > dead_max) this.#rewrite();
    return {
      slots: this.#slots,
      rows: this.#rows.subarray(0, this.#slots * this.#dimension),
      ids: this.#ids,
      metadata: this.#metadata,
      content: this.#content,
      dead: new Set(this.#dead),
    };
  }

  #reserve(slots: number): void {
    const needed = slots * this.#dimension;
    if (needed <= this.#rows.length) return;
    const grown = new Float32Array(Math.max(needed, this.#rows.length * 2, 16 * this.#dimension));
    grown.set(this.#rows);
    this.#rows = grown;
  }

  /** Into new arrays, never in place: a query that is under way still reads the old ones. */
  #rewrite(): void {
    const rows = new Float32Array(this.live * this.#dimension);
    const [ids, metadata, content]: [string[], (JsonObject | undefined)[], (string | undefined)[]] = [[], [], []];
    this.#payload_bytes = 0;
    for (let slot = 0; slot < this.#slots; slot += 1) {
      const id = this.#ids[slot];
      if (id === undefined || this.#dead.has(slot)) continue;
      rows.set(this.#rows.subarray(slot * this.#dimension, (slot + 1) * this.#dimension), ids.length * this.#dimension);
      const newest = this.#newest.get(id);
      if (newest !== undefined) newest.slot = ids.length;
      ids.push(id);
      metadata.push(this.#metadata[slot]);
      content.push(this.#content[slot]);
      this.#payload_bytes += payloadBytes({ id, metadata: this.#metadata[slot], content: this.#content[slot] });
    }
    this.#rows = rows;
    this.#slots = ids.length;
    this.#ids = ids;
    this.#metadata = metadata;
    this.#content = content;
    this.#dead = new Set();
  }
}

/** Two bytes a code unit, and some hundred for the entries of maps and arrays. */
function payloadBytes(row: {
  readonly id: string;
  readonly metadata?: JsonObject | undefined;
  readonly content?: string | undefined;
}): number {
  const metadata = row.metadata === undefined ? 0 : JSON.stringify(row.metadata).length;
  return 128 + 2 * (row.id.length + metadata + (row.content?.length ?? 0));
}
