import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Item, Key, Operation, Query } from './table.ts';

const key_bytes_max = 1024;
const page_rows_max = 1000;

/** What every adapter of `Table` refuses before it touches its storage: each throws `TypeError`, the caller's bug. */
export function checkKey({ pk, sk }: Key): void {
  checkKeyText('pk', pk);
  checkKeyText('sk', sk);
}

/** 1..100 operations with sound keys, no two on one item, updates that do not contradict themselves. */
export function checkOperations(operations: readonly Operation[]): void {
  const operations_max = limits.table.transaction_operations_max;
  if (operations.length === 0 || operations.length > operations_max) {
    throw new TypeError(`expected 1 to ${operations_max} operations, got ${operations.length}`);
  }
  const keys = new Set<string>();
  for (const operation of operations) {
    checkKey(operation.key);
    // NUL cannot be part of a key, so the joined text is unambiguous.
    keys.add(`${operation.key.pk}\0${operation.key.sk}`);
    if (operation.kind === 'update') checkFields(operation);
  }
  if (keys.size !== operations.length) throw new TypeError('expected at most one operation on an item');
}

/** The item's JSON text, once its size is known to be allowed. */
export function itemText(item: Item): string {
  const text = JSON.stringify(item);
  const bytes_max = limits.table.item_bytes_max;
  // A UTF-16 unit becomes at most three bytes: most items need no counting.
  const bytes = text.length * 3 <= bytes_max ? text.length : Buffer.byteLength(text);
  if (bytes > bytes_max) throw new TypeError(`expected an item of at most ${bytes_max} bytes, got ${bytes}`);
  return text;
}

/** @param bytes of the JSON of what the operations put and set, together */
export function checkTransactionBytes(bytes: number): void {
  const bytes_max = limits.table.transaction_bytes_max;
  if (bytes > bytes_max) throw new TypeError(`expected at most ${bytes_max} bytes in a transaction, got ${bytes}`);
}

export function checkQuery({ pk, prefix, from, to, limit }: Query): void {
  checkKeyText('pk', pk);
  if (!Number.isInteger(limit) || limit < 1 || limit > page_rows_max) {
    throw new TypeError(`expected \`limit\` from 1 to ${page_rows_max}, got ${limit}`);
  }
  if (prefix !== undefined && (from !== undefined || to !== undefined)) {
    throw new TypeError('expected either a prefix or a range, got both');
  }
  for (const [name, bound] of Object.entries({ prefix, from, to })) {
    if (bound !== undefined && bound !== '') checkKeyText(name, bound);
  }
}

/**
 * The first string in code point order (which is UTF-8's byte order) after all that start with `prefix`;
 * undefined when no string is.
 */
export function afterPrefix(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // The surrogates are no code points of a string that has a UTF-8 form.
    const next = last + 1 === 0xd800 ? 0xe000 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}

function checkKeyText(name: string, text: string): void {
  if (typeof text !== 'string' || text === '')
    throw new TypeError(`expected \`${name}\` to be a string that is not empty`);
  if (text.includes('\0')) throw new TypeError(`expected \`${name}\` without NUL`);
  if (!text.isWellFormed()) throw new TypeError(`expected \`${name}\` without lone surrogates`);
  if (text.length * 3 > key_bytes_max && Buffer.byteLength(text) > key_bytes_max) {
    throw new TypeError(`expected \`${name}\` of at most ${key_bytes_max} bytes, got ${Buffer.byteLength(text)}`);
  }
}

function checkFields({ set = {}, add = {}, remove = [] }: Extract<Operation, { kind: 'update' }>): void {
  const fields = [...Object.keys(set), ...Object.keys(add), ...remove];
  const twice = fields.find((field, index) => fields.indexOf(field) !== index);
  if (twice !== undefined) throw new TypeError(`expected \`${twice}\` once in an update`);
  for (const [field, amount] of Object.entries(add)) {
    if (!Number.isFinite(amount)) throw new TypeError(`expected a finite number to add to \`${field}\`, got ${amount}`);
  }
}
