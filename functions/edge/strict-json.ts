import type { Json } from '../domain/json.ts';

/** Found in this order, so that one input always has one reason; size is judged before the bytes are here. */
export type JsonFault =
  | 'json.utf8'
  | 'json.depth'
  | 'json.syntax'
  | 'json.duplicate_key'
  | 'json.string'
  | 'json.number';

export class StrictJsonError extends Error {
  override readonly name = 'StrictJsonError';
  readonly reason: JsonFault;

  constructor(reason: JsonFault, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/**
 * Reads one JSON text of the I-JSON profile: UTF-8 without byte order mark, nothing after the value, nesting of at most
 * `depth_max`, names unique after unescaping, no lone surrogates or noncharacters, numbers finite and integers within
 * ±(2⁵³ − 1) unless they are so large that they are written with an exponent (1e21). `__proto__` becomes an ordinary own member, as `JSON.parse` makes it.
 *
 * The platform's parser does the grammar: one written here would be five times slower and a second grammar to trust.
 * What it forgives is found around it: depth and the number of members by a scan of the bytes before it runs, and the
 * rest by one walk over the result, where fewer members than colons means that a name came twice.
 *
 * @throws {StrictJsonError} with the reason `json.*`
 */
export function parseStrictJson(bytes: Uint8Array, depth_max: number): Json {
  const text = decode(bytes);
  const colons = scan(bytes, depth_max);
  const value = parse(text);
  const faults: Faults = { string: undefined, number: undefined };
  if (walk(value, faults) !== colons)
    throw new StrictJsonError('json.duplicate_key', 'a member name appears twice in one object');
  if (faults.string !== undefined) throw new StrictJsonError('json.string', faults.string);
  if (faults.number !== undefined) throw new StrictJsonError('json.number', faults.number);
  return value;
}

/** What the walk notes: strings are judged before numbers, and both only when no name came twice. */
interface Faults {
  string: string | undefined;
  number: string | undefined;
}

/**
 * Reads JSON as the platform does, with what would harm the reader refused all the same: bytes that are no UTF-8, and
 * nesting beyond `depth_max`. Of a name that comes twice the last value counts.
 *
 * @throws {StrictJsonError} with the reason `json.utf8`, `json.depth` or `json.syntax`
 */
export function parsePlainJson(bytes: Uint8Array, depth_max: number): Json {
  const text = decode(bytes);
  scan(bytes, depth_max);
  return parse(text);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string {
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    throw new StrictJsonError('json.utf8', 'the body is not UTF-8');
  }
  if (text.charCodeAt(0) === 0xfeff) throw new StrictJsonError('json.utf8', 'the body starts with a byte order mark');
  return text;
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;

/**
 * Counts colons outside strings and refuses deep nesting before a recursive parser sees it. Bytes of multi-byte
 * characters are all above 0x7f, so none of them looks like a delimiter. On broken JSON the count means nothing,
 * which is harmless: the parser refuses it next.
 */
function scan(bytes: Uint8Array, depth_max: number): number {
  let depth = 0;
  let colons = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) {
      at = endOfString(bytes, at);
    } else if (byte === colon) {
      colons += 1;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > depth_max) throw new StrictJsonError('json.depth', `expected nesting of at most ${depth_max}`);
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
    }
  }
  return colons;
}

/**
 * Index of the quote that ends the string opened at `start`. `indexOf` runs at memory speed, which matters for base64
 * and long prompts; a quote is escaped when an odd number of backslashes stands before it.
 */
function endOfString(bytes: Uint8Array, start: number): number {
  let end = start;
  for (;;) {
    end = bytes.indexOf(quote, end + 1);
    if (end === -1) return bytes.length;
    let before = end - 1;
    while (bytes[before] === backslash) before -= 1;
    if ((end - 1 - before) % 2 === 0) return end;
  }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    // The platform's message quotes the body, which may hold a secret: it is not passed on.
    throw new StrictJsonError(
      'json.syntax',
      text.trim() === '' ? 'the body is empty' : 'the body is not one JSON value',
    );
  }
}

/** Number of members of all objects in `value`. Recursion is bounded: the scan has refused deep nesting. */
function walk(value: Json, faults: Faults): number {
  if (typeof value === 'string') {
    faults.string ??= faultOfString(value);
    return 0;
  }
  if (typeof value === 'number') {
    faults.number ??= faultOfNumber(value);
    return 0;
  }
  if (typeof value !== 'object' || value === null) return 0;
  let members = 0;
  if (Array.isArray(value)) {
    for (const element of value) members += walk(element, faults);
    return members;
  }
  const object = value as { readonly [name: string]: Json };
  for (const name of Object.keys(object)) {
    faults.string ??= faultOfString(name);
    members += 1 + walk(object[name] ?? null, faults);
  }
  return members;
}

const noncharacter =
  /[\uFDD0-\uFDEF\uFFFE\uFFFF]|[\uD83F\uD87F\uD8BF\uD8FF\uD93F\uD97F\uD9BF\uD9FF\uDA3F\uDA7F\uDABF\uDAFF\uDB3F\uDB7F\uDBBF\uDBFF][\uDFFE\uDFFF]/;

function faultOfString(text: string): string | undefined {
  if (!text.isWellFormed()) return 'a string has a lone surrogate';
  return noncharacter.test(text) ? 'a string has a Unicode noncharacter' : undefined;
}

/** From 1e21 on ECMAScript writes an exponent, so nobody can take such a number for an exact integer. */
function faultOfNumber(value: number): string | undefined {
  const inexact = Number.isInteger(value) && !Number.isSafeInteger(value) && Math.abs(value) < 1e21;
  if (Number.isFinite(value) && !inexact) return undefined;
  return 'a number is too large, or an integer beyond ±(2^53 - 1)';
}
