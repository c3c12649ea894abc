import type { Item } from '../ports/table.ts';
import type { JsonObject } from '../json.ts';

/** One write of a namespace, in the order of `seq`: a vector, or the word that its id is gone. */
export type DeltaRow = { readonly seq: number; readonly id: string } & (
  | {
      readonly kind: 'vector';
      readonly values: Float32Array;
      readonly metadata?: JsonObject;
      readonly content?: string;
    }
  | { readonly kind: 'gone' }
);

/** As stored: values are base64 of little-endian f32, a quarter of the bytes of their decimal text. */
export function deltaItem(row: DeltaRow): Item {
  if (row.kind === 'gone') return { seq: row.seq, id: row.id, gone: true };
  const { seq, id, values, metadata, content } = row;
  return {
    seq,
    id,
    values: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
    ...(metadata === undefined ? {} : { metadata }),
    ...(content === undefined ? {} : { content }),
  };
}

/** Throws if the item was not written by `deltaItem`: the store is damaged, and no answer is better than a wrong one. */
export function readDelta(item: Item, dimension: number): DeltaRow {
  const { seq, id, gone, values, metadata, content } = item;
  if (typeof seq !== 'number' || typeof id !== 'string') throw new Error('a delta row has no seq or id');
  if (gone === true) return { kind: 'gone', seq, id };
  if (typeof values !== 'string') throw new Error(`delta row ${seq} has no values`);
  const bytes = Buffer.from(values, 'base64');
  if (bytes.length !== dimension * 4) {
    throw new Error(`expected ${dimension} values in delta row ${seq}, found ${bytes.length / 4}`);
  }
  const row = new Float32Array(dimension);
  // A copy, because the decoded bytes need not lie on a multiple of four.
  new Uint8Array(row.buffer).set(bytes);
  return {
    kind: 'vector',
    seq,
    id,
    values: row,
    ...(metadata === undefined ? {} : { metadata: metadata as JsonObject }),
    ...(typeof content === 'string' ? { content } : {}),
  };
}
