import { readLiteral, type Literal } from './read-literal.ts';
import type { JsonObject } from '../json.ts';

export type Pairs = ReadonlyMap<string, Literal>;

/** What was read, or undefined if no arguments stand there; `end` is how far the text was looked at. */
export interface ReadArguments {
  readonly pairs: Pairs | undefined;
  readonly end: number;
}

/**
 * The arguments that follow a tool's name, in one of four forms: `(a=12, b=30)`, `{"a": 12}`, `with a=12 and b=30`,
 * `com a=12 e b=30`. `:` is taken for `=`, `({"a": 12})` for `{"a": 12}`. Nothing from `limit` on is looked at.
 */
export function readArguments(text: string, at: number, limit: number): ReadArguments {
  const start = afterName(text, at, limit);
  if (text[start] === '(') return readParenthesised(text, start, limit);
  if (text[start] === '{') return readObject(text, start, limit);
  const phrase = matchAt(leadIn, text, start);
  if (phrase === undefined) return { pairs: undefined, end: start };
  const read = readPairs(text, start + phrase.length, limit);
  return { pairs: read.pairs.size > 0 ? read.pairs : undefined, end: read.end };
}

/** `"with "`, `"com os argumentos: "` and the like. */
const leadIn =
  /(?:with|using|com|usando|con)[ \t]+(?:(?:the|os|as|los)[ \t]+)?(?:(?:arguments?|args|parameters|argumentos?|par[âa]metros)[ \t]*:?[ \t\n]+)?/iy;
/** What may close a quoted name and say what it is: "`soma` tool". */
const nameTail = /["'`*]{0,3}[ \t]{0,4}(?:(?:tool|function|ferramenta|função)[ \t]{1,4})?/iy;
const key =
  /(?:"([^"\n]{1,64})"|'([^'\n]{1,64})'|`?([\p{L}_][\p{L}\p{N}_-]{0,63})`?)[ \t]{0,4}[=:](?![=:])[ \t]{0,4}/uy;
const space = /\s{0,64}/y;
const conjunction = /(?:and|et|e|y|&)\s{1,64}/iy;

function afterName(text: string, at: number, limit: number): number {
  return Math.min(limit, at + (matchAt(nameTail, text, at)?.length ?? 0));
}

function readParenthesised(text: string, at: number, limit: number): ReadArguments {
  const start = skip(space, text, at + 1);
  if (text[start] === ')') return { pairs: new Map(), end: start + 1 };
  if (text[start] === '{') {
    const object = readObject(text, start, limit);
    const close = skip(space, text, object.end);
    return text[close] === ')' ? object : { pairs: undefined, end: object.end };
  }
  const read = readPairs(text, start, limit);
  const close = skip(space, text, read.end);
  return { pairs: read.pairs.size > 0 && text[close] === ')' ? read.pairs : undefined, end: read.end };
}

function readObject(text: string, at: number, limit: number): ReadArguments {
  const read = readLiteral(text, at, limit);
  // Without a closing bracket everything up to the limit was looked at: the caller's budget must know.
  if (read === undefined) return { pairs: undefined, end: limit };
  const entries = Object.entries(read.literal.value as JsonObject);
  const pairs = new Map(
    entries.map(([name, value]) => [name, { raw: typeof value === 'string' ? value : JSON.stringify(value), value }]),
  );
  return { pairs, end: read.end };
}

function readPairs(text: string, at: number, limit: number): { pairs: Map<string, Literal>; end: number } {
  const pairs = new Map<string, Literal>();
  let end = at;
  for (let next = skip(space, text, at); next < limit; ) {
    key.lastIndex = next;
    const match = key.exec(text);
    const name = match?.[1] ?? match?.[2] ?? match?.[3];
    if (match === null || name === undefined) break;
    const read = readLiteral(text, next + match[0].length, limit);
    if (read === undefined) return { pairs, end: endOfFailure(text, next + match[0].length, limit) };
    pairs.set(name, read.literal);
    end = read.end;
    next = skip(space, text, end);
    if (text[next] === ',' || text[next] === ';') next = skip(space, text, next + 1);
    next = skip(conjunction, text, next);
  }
  return { pairs, end };
}

/** A bracket or quote that never closes was searched up to the limit; anything else stopped where it began. */
function endOfFailure(text: string, at: number, limit: number): number {
  return '"\'{['.includes(text[at] ?? ' ') ? limit : at;
}

function skip(pattern: RegExp, text: string, at: number): number {
  return at + (matchAt(pattern, text, at)?.length ?? 0);
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
