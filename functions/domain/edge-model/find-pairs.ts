import { readLiteral, type Literal } from './read-literal.ts';

/**
 * `name: value` and `name = value` pairs of a text, for the names asked for; the last of each wins. A value is a JSON
 * literal, or the words up to a comma, semicolon, the next `name=` or the end of the line.
 */
export function findPairs(text: string, names: readonly string[]): ReadonlyMap<string, Literal> {
  const positions = findPositions(text);
  const pairs = new Map<string, Literal>();
  for (const name of names) {
    const at = positions.get(name);
    const literal = at === undefined ? undefined : readValue(text, at);
    if (literal !== undefined) pairs.set(name, literal);
  }
  return pairs;
}

/** All pairs of a text. */
export function findAllPairs(text: string): ReadonlyMap<string, Literal> {
  return findPairs(text, [...findPositions(text).keys()].slice(0, pairs_max));
}

const pairs_max = 256;
const value_chars_max = 1024;

/** Starts at the beginning of a word only and takes at most 64 characters of it: linear, whatever the text. */
const pair = /(?<![\p{L}\p{N}_-])["'`]?([\p{L}_][\p{L}\p{N}_-]{0,63})["'`]?[ \t]{0,4}[:=](?![:=/])[ \t]{0,4}/gu;

const nextPair = /\s[\p{L}_][\p{L}\p{N}_-]{0,63}=(?!=)/u;

function findPositions(text: string): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  for (const match of text.matchAll(pair)) {
    const name = match[1];
    if (name !== undefined) positions.set(name, match.index + match[0].length);
  }
  return positions;
}

function readValue(text: string, at: number): Literal | undefined {
  const limit = Math.min(text.length, at + value_chars_max);
  if ('"\'{['.includes(text[at] ?? ' ')) return readLiteral(text, at, limit)?.literal;
  let end = at;
  while (end < limit && !',;\n'.includes(text[end] ?? '\n')) end++;
  const words = text.slice(at, end);
  // `a=2 b=3`: the second pair is not a word of the first value.
  const next = words.search(nextPair);
  const phrase = (next === -1 ? words : words.slice(0, next)).trim().replace(/[.!?]$/, '');
  if (phrase === '') return undefined;
  const word = readLiteral(phrase, 0, phrase.length);
  return word !== undefined && word.end === phrase.length ? word.literal : { raw: phrase, value: phrase };
}
