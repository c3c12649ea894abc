import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Json } from '../../domain/json.ts';
import type { Item, Key } from '../../domain/ports/table.ts';
import { nativeValue, sizeOf, toValue } from './native-value.ts';

export type Attributes = Record<string, AttributeValue>;

/** What is stored under a key. */
export interface Stored {
  readonly item: Item;
  /** Names the write that left the item, so that a writer whose answer was lost knows its own. */
  readonly revision: string;
  /** Some fields lie in `~packed`: no expression can see or change them. */
  readonly is_packed: boolean;
}

export const revision_name = '~rev';
export const packed_name = '~packed';

/** Of DynamoDB: keys and names count. */
const item_bytes_max = 409_600;
/** Scalars up to this size stay visible when an item is packed: each costs less as an attribute than as JSON. */
const plain_bytes_max = 512;
const name_bytes_max = 65_535;

/**
 * One attribute a field, of the DynamoDB type that is the JSON type's own. A value that has no such form (a lone
 * surrogate, a number beyond 1e±126, deep nesting) is binary: its JSON text; no JSON value is binary otherwise.
 *
 * The port promises 409,600 bytes of JSON, DynamoDB takes 409,600 with keys and its own overhead. So an item that comes
 * too large puts its large fields into one attribute `~packed`, deflated. That always fits: JSON is UTF-8 text, of which
 * at most 6.9 bits a byte are information.
 */
export function toAttributes(
  key: Key,
  item: Item,
  revision: string,
  /** Packs a smaller item too, for a transaction that would be too large. */
  { is_packed = false }: { is_packed?: boolean } = {},
): Attributes {
  const fixed: [string, AttributeValue][] = [
    ['pk', { S: key.pk }],
    ['sk', { S: key.sk }],
    [revision_name, { S: revision }],
  ];
  const fields = Object.entries(item);
  const nameless = fields.filter(([name]) => !isSoundName(name));
  const plain = fields.filter(([name]) => isSoundName(name)).map(toAttribute);
  if (!is_packed && nameless.length === 0 && bytesOf([...fixed, ...plain]) <= item_bytes_max) {
    return Object.fromEntries([...fixed, ...plain]);
  }
  const stays = ([name, value]: [string, Json]) =>
    isSoundName(name) && !isTree(value) && sizeOf(attributeValue(value)) <= plain_bytes_max;
  const text = JSON.stringify(Object.fromEntries(fields.filter((field) => !stays(field))));
  const packed: [string, AttributeValue] = [packed_name, { B: deflateRawSync(text) }];
  return Object.fromEntries([...fixed, ...fields.filter(stays).map(toAttribute), packed]);
}

export function fromAttributes(attributes: Attributes): Stored {
  const fields: [string, Json][] = [];
  let revision = '';
  let is_packed = false;
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'pk' || name === 'sk') continue;
    if (name === revision_name) revision = value.S ?? '';
    else if (name === packed_name) {
      is_packed = true;
      fields.push(...Object.entries(unpack(value)));
    } else fields.push([fieldName(name), toValue(value)]);
  }
  return { item: Object.fromEntries(fields), revision, is_packed };
}

/** What DynamoDB counts of an item, at most. */
export function itemBytes(attributes: Attributes): number {
  return bytesOf(Object.entries(attributes));
}

/** The attribute of a field. Names that the table itself uses, or that JavaScript objects inherit, are moved aside. */
export function attributeName(field: string): string {
  const is_taken = field === '' || field === 'pk' || field === 'sk' || field.startsWith('~') || field in {};
  return is_taken ? `~.${field}` : field;
}

/** A value as it is stored: in its own type, or as the binary text of its JSON. */
export function attributeValue(value: Json): AttributeValue {
  return nativeValue(value) ?? { B: Buffer.from(JSON.stringify(value)) };
}

/** Whether a field of this name has an attribute of its own, unless its item is packed. */
export function isSoundName(field: string): boolean {
  return field.isWellFormed() && Buffer.byteLength(field) <= name_bytes_max - 2;
}

function fieldName(attribute: string): string {
  return attribute.startsWith('~.') ? attribute.slice(2) : attribute;
}

function toAttribute([name, value]: [string, Json]): [string, AttributeValue] {
  return [attributeName(name), attributeValue(value)];
}

function isTree(value: Json): boolean {
  return typeof value === 'object' && value !== null;
}

function bytesOf(attributes: readonly [string, AttributeValue][]): number {
  return attributes.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOf(value), 0);
}

function unpack(value: AttributeValue): Item {
  // Only what `toAttributes` wrote lies here; the bound keeps a damaged row from filling the memory.
  const text = inflateRawSync(value.B ?? new Uint8Array(), { maxOutputLength: 4 * limits.table.item_bytes_max });
  return JSON.parse(text.toString()) as Item;
}
