import type { Item } from '../ports/table.ts';
import type { JsonObject } from '../json.ts';
import type { AppendedRow } from '../ports/segment-compute.ts';

/**
 * One write of a namespace as it is stored until a compaction takes it into a segment: a vector, the word that an id is
 * gone, or that whatever matched a filter is. Values are base64 of little-endian f32, a quarter of the bytes of their
 * decimal text.
 */
export function deltaItem(row: AppendedRow): Item {
  if (row.kind === 'gone') return { seq: row.seq, id: row.id, gone: true };
  if (row.kind === 'gone_where') return { seq: row.seq, gone_where: row.filter };
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
export function readDelta(item: Item, dimension: number): AppendedRow {
  const { seq, id, gone, gone_where, values, metadata, content } = item;
  if (typeof seq !== 'number') throw new Error('a delta row has no seq');
  if (gone_where !== undefined) return { kind: 'gone_where', seq, filter: gone_where as JsonObject };
  if (typeof id !== 'string') throw new Error(`delta row ${seq} has no id`);
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
