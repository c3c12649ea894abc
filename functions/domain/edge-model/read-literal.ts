import type { Json } from '../json.ts';

/** A value as it was written, before a schema has said what it should be. */
export interface Literal {
  /** The characters that were written (of a quoted string: what the quotes hold). */
  readonly raw: string;
  /** The JSON value that the characters mean on their own; a word means itself. */
  readonly value: Json;
}

export interface ReadLiteral {
  readonly literal: Literal;
  /** Index of the first character after it. */
  readonly end: number;
}

/** The JSON literal, quoted text or word that starts at `at`; nothing from `limit` on is looked at. */
export function readLiteral(text: string, at: number, limit: number): ReadLiteral | undefined {
  if (at >= limit) return undefined;
  switch (text[at]) {
    case '"':
      return readJson(text, at, endOfString(text, at, limit));
    case "'":
      return readSingleQuoted(text, at, limit);
    case '{':
    case '[':
      return readJson(text, at, endOfBrackets(text, at, limit));
    case undefined:
    default:
      return readWord(text, at, limit);
  }
}

/** The index after the bracket that closes the one at `at`, or undefined: unbalanced, or deeper than `depth_max`. */
export function endOfBrackets(text: string, at: number, limit: number): number | undefined {
  const open: string[] = [];
  for (let index = at; index < limit; index++) {
    const character = text[index];
    if (character === '"') {
      const end = endOfString(text, index, limit);
      if (end === undefined) return undefined;
      index = end - 1;
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? '}' : ']');
      if (open.length > depth_max) return undefined;
    } else if (character === '}' || character === ']') {
      if (open.pop() !== character) return undefined;
      if (open.length === 0) return index + 1;
    }
  }
  return undefined;
}

/** `JSON.stringify` and everything after it recurse: what nests deeper is not read as a value. */
const depth_max = 32;

const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function readJson(text: string, at: number, end: number | undefined): ReadLiteral | undefined {
  if (end === undefined) return undefined;
  const raw = text.slice(at, end);
  try {
    const value = JSON.parse(raw) as Json;
    return { literal: { raw: typeof value === 'string' ? value : raw, value }, end };
  } catch {
    return undefined;
  }
}

function endOfString(text: string, at: number, limit: number): number | undefined {
  for (let index = at + 1; index < limit; index++) {
    const character = text[index];
    if (character === '\\') index++;
    else if (character === '"') return index + 1;
  }
  return undefined;
}

function readSingleQuoted(text: string, at: number, limit: number): ReadLiteral | undefined {
  const close = text.indexOf("'", at + 1);
  if (close < 0 || close >= limit) return undefined;
  const raw = text.slice(at + 1, close);
  return { literal: { raw, value: raw }, end: close + 1 };
}

function readWord(text: string, at: number, limit: number): ReadLiteral | undefined {
  let end = at;
  while (end < limit && !endsWord.test(text[end] ?? ' ')) end++;
  while (end > at && '.!?:`*'.includes(text[end - 1] ?? '')) end--;
  const raw = text.slice(at, end);
  return raw === '' ? undefined : { literal: { raw, value: meaningOf(raw) }, end };
}

const endsWord = /[\s,;(){}[\]"]/;

function meaningOf(word: string): Json {
  if (word === 'true' || word === 'false') return word === 'true';
  if (word === 'null') return null;
  if (!number.test(word)) return word;
  const value = Number(word);
  return Number.isFinite(value) ? value : word;
}
