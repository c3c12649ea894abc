import { decodeFloats, encodeFloats } from '../float-base64.ts';
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
    values: encodeFloats(values),
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
  return {
    kind: 'vector',
    seq,
    id,
    values: decodeFloats(values, dimension, `delta row ${seq}`),
    ...(metadata === undefined ? {} : { metadata: metadata as JsonObject }),
    ...(typeof content === 'string' ? { content } : {}),
  };
}
