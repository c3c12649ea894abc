import { Buffer } from 'node:buffer';
import type { Json } from '../json.ts';
import { allRows } from '../ports/all-rows.ts';
import type { Item, Operation, Table } from '../ports/table.ts';
import { runPartition, textKey, textPrefix } from './keys.ts';

export interface TextPlace {
  readonly tenant: string;
  readonly run_id: string;
  readonly name: string;
}

/** Code units in one part: three bytes of UTF-8 each at most, and a third more in base64. */
const part_units = 65_536;

/** Puts for a text of any length, at least one part; `expires_at` in Unix seconds. */
export function putText(place: TextPlace, text: string, expires_at: number): readonly Operation[] {
  return partsOf(text).map((part, number) => ({
    kind: 'put',
    key: textKey(place.tenant, place.run_id, place.name, number),
    item: { ...partItem(part), expires_at },
  }));
}

export function putJson(place: TextPlace, value: Json, expires_at: number): readonly Operation[] {
  return putText(place, JSON.stringify(value), expires_at);
}

export async function getText(table: Table, place: TextPlace, now: number): Promise<string | undefined> {
  const parts: string[] = [];
  const query = { pk: runPartition(place.tenant, place.run_id), prefix: textPrefix(place.name), limit: 1000 };
  for await (const { item } of allRows(table, query, () => now)) parts.push(textOf(item));
  return parts.length === 0 ? undefined : parts.join('');
}

export async function getJson(table: Table, place: TextPlace, now: number): Promise<Json | undefined> {
  const text = await getText(table, place, now);
  return text === undefined ? undefined : (JSON.parse(text) as Json);
}

/**
 * JSON needs up to six bytes for a character (`\u001b`): what a script prints could not be written together with the end
 * of its run. In base64 it is a third more than its own bytes, whatever it is.
 */
function partItem(text: string): Item {
  const bytes = Buffer.byteLength(text);
  if (Buffer.byteLength(JSON.stringify(text)) <= (bytes * 4) / 3 + 2) return { text };
  return { text_base64: Buffer.from(text).toString('base64') };
}

function textOf({ text, text_base64 }: Item): string {
  if (typeof text === 'string') return text;
  if (typeof text_base64 === 'string') return Buffer.from(text_base64, 'base64').toString();
  throw new Error('a part of a text holds neither `text` nor `text_base64`');
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
