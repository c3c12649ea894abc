import type { JsonObject } from '../json.ts';

const receipt_bytes_max = 65_536;
const memberNames = ['delegation', 'document', 'entry'];

/** A receipt file, taken apart; nothing in it is believed yet. */
export interface ReceiptFile {
  readonly entry: Uint8Array;
  readonly delegation: Uint8Array;
  readonly document: JsonObject;
}

export type ReadReceipt =
  | { readonly ok: true; readonly receipt: ReceiptFile }
  | { readonly ok: false; readonly code: string; readonly detail: string };

/**
 * Reads a receipt strictly: exactly the three members, standard padded base64, and JSON text that is what
 * `JSON.stringify` writes apart from spaces and line breaks between tokens. That one comparison rules out duplicate names, other spellings
 * of a number or a character and tabs, so that no byte can change without changing what is verified.
 */
export function readReceipt(bytes: Uint8Array): ReadReceipt {
  if (bytes.length > receipt_bytes_max) {
    return refuse('json.size', `expected at most ${receipt_bytes_max} bytes, got ${bytes.length}`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('json.utf8', 'expected UTF-8 text');
  }
  let value: unknown;
  let rewritten: string;
  try {
    value = JSON.parse(text);
    rewritten = JSON.stringify(value);
  } catch {
    return refuse('json.syntax', 'expected one JSON object');
  }
  if (rewritten !== withoutSpace(text)) {
    return refuse('json.not_canonical', 'expected each name once and each value in its plain form');
  }
  if (!isObject(value) || Object.keys(value).sort().join() !== memberNames.join()) {
    return refuse('schema.mismatch', 'expected exactly `entry`, `delegation` and `document`');
  }
  const entry = fromBase64(value['entry']);
  const delegation = fromBase64(value['delegation']);
  const document = value['document'];
  if (entry === undefined || delegation === undefined || !isObject(document)) {
    return refuse('schema.mismatch', 'expected base64 in `entry` and `delegation`, an object in `document`');
  }
  return { ok: true, receipt: { entry, delegation, document } };
}

/** Drops spaces and line breaks between tokens; strings stay as they are. */
function withoutSpace(text: string): string {
  return text.replace(/("(?:[^"\\]|\\.)*")|[ \n\r]+/g, '$1');
}

function fromBase64(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string') return undefined;
  const bytes = Buffer.from(text, 'base64');
  // Node skips what is no base64 and ignores spare bits: only the one spelling of these bytes comes back the same.
  return bytes.toString('base64') === text ? bytes : undefined;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuse(code: string, detail: string): ReadReceipt {
  return { ok: false, code, detail };
}
