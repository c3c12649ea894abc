import type { Json } from '../json.ts';
import type { Item, Operation, Table } from '../ports/table.ts';
import { runPartition, textKey, textPrefix } from './keys.ts';

export interface TextPlace {
  readonly tenant: string;
  readonly run_id: string;
  readonly name: string;
}

/**
 * Code units in one part. The worst case of JSON is six bytes for a unit (`\u001b`), so that a part of any content
 * stays below the 400 KB of an item.
 */
const part_units = 65_536;

/** Puts for a text of any length, at least one part; `expires_at` in Unix seconds. */
export function putText(place: TextPlace, text: string, expires_at: number): readonly Operation[] {
  return partsOf(text).map((part, number) => ({
    kind: 'put',
    key: textKey(place.tenant, place.run_id, place.name, number),
    item: { text: part, expires_at },
  }));
}

export function putJson(place: TextPlace, value: Json, expires_at: number): readonly Operation[] {
  return putText(place, JSON.stringify(value), expires_at);
}

export async function getText(table: Table, place: TextPlace, now: number): Promise<string | undefined> {
  const parts: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await table.query(
      {
        pk: runPartition(place.tenant, place.run_id),
        prefix: textPrefix(place.name),
        limit: 1000,
        ...(cursor === undefined ? {} : { cursor }),
      },
      now,
    );
    parts.push(...page.rows.map(({ item }) => textOf(item)));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return parts.length === 0 ? undefined : parts.join('');
}

export async function getJson(table: Table, place: TextPlace, now: number): Promise<Json | undefined> {
  const text = await getText(table, place, now);
  return text === undefined ? undefined : (JSON.parse(text) as Json);
}

function textOf({ text }: Item): string {
  if (typeof text === 'string') return text;
  throw new Error('a part of a text holds no `text`');
}

/** Between code points, since half a surrogate pair is not text and would not come back from UTF-8. */
export function partsOf(text: string): readonly string[] {
  const parts: string[] = [];
  for (let start = 0; start < text.length; ) {
    let end = Math.min(start + part_units, text.length);
    if (end < text.length && isHighSurrogate(text.charCodeAt(end - 1))) end -= 1;
    parts.push(text.slice(start, end));
    start = end;
  }
  return parts.length === 0 ? [''] : parts;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}
