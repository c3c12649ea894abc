import { readArguments, type Pairs } from './read-arguments.ts';

export interface Mention {
  /** Where the name starts. */
  readonly at: number;
  /** Where its arguments end. */
  readonly end: number;
  readonly pairs: Pairs;
}

/**
 * The last mention of `name` that arguments follow. The last, because a request usually stands under the text that it
 * is about: a quotation of `soma(a=1, b=2)` above must not win over the request itself.
 *
 * Each mention may look at 64 KiB of arguments, all mentions together at twice the text: without that sum a text of
 * nothing but `soma {` would cost the square of its length.
 */
export function findMention(text: string, name: string): Mention | undefined {
  let budget = 2 * text.length + arguments_chars_max;
  for (let before = text.length; before >= 0 && budget > 0; ) {
    const found = lastOf(text, name, before);
    if (found === undefined) return undefined;
    const { at, spelling } = found;
    before = at - 1;
    const start = at + spelling.length;
    if (!standsAlone(text, at, start)) continue;
    const read = readArguments(text, start, Math.min(text.length, start + arguments_chars_max));
    budget -= read.end - start + 1;
    if (read.pairs !== undefined) return { at, end: read.end, pairs: read.pairs };
  }
  return undefined;
}

/** Whether `text` names the tool at all, with or without arguments. */
export function isNamed(text: string, name: string): boolean {
  for (let before = text.length; before >= 0; ) {
    const found = lastOf(text, name, before);
    if (found === undefined) return false;
    if (standsAlone(text, found.at, found.at + found.spelling.length)) return true;
    before = found.at - 1;
  }
  return false;
}

const arguments_chars_max = 65_536;

/** A model sees `web__search` where people write `web.search`. */
function lastOf(text: string, name: string, before: number): { at: number; spelling: string } | undefined {
  if (before < 0) return undefined;
  const dotted = name.replaceAll('__', '.');
  const plain = text.lastIndexOf(name, before);
  if (dotted === name) return plain < 0 ? undefined : { at: plain, spelling: name };
  const spoken = text.lastIndexOf(dotted, before);
  if (plain < 0 && spoken < 0) return undefined;
  return plain > spoken ? { at: plain, spelling: name } : { at: spoken, spelling: dotted };
}

const letter = /[\p{L}\p{N}_]/u;

function standsAlone(text: string, at: number, end: number): boolean {
  if (at > 0 && letter.test(text[at - 1] ?? ' ')) return false;
  const next = text[end] ?? ' ';
  if (letter.test(next) || next === '-') return false;
  return !(next === '.' && letter.test(text[end + 1] ?? ' '));
}
