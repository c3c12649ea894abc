import { expect, test } from '@jest/globals';
import { indexPassages, type Passage } from './rank-passages.ts';

function passage(title: string, text: string): Passage {
  return { title, url: `signet:///${title}`, text };
}

const passages = [
  passage('receipts', 'every decision leaves a signed receipt'),
  passage('scripts', 'a script runs in a sandbox; its receipt counts the calls'),
  passage('programação', 'um exemplo de programação'),
];

test('scores are those of the formula, by hand', () => {
  // n = 3 passages; `sandbox` is in one: idf = ln(1 + 2.5 / 1.5). Lengths with the title twice: 8, 13, 6, mean 9.
  const [best] = indexPassages(passages)('sandbox', 1);
  const idf = Math.log(1 + 2.5 / 1.5);
  const expected = (idf * 2.2) / (1 + 1.2 * (0.25 + (0.75 * 13) / 9));
  expect(best?.passage.title).toBe('scripts');
  expect(best?.score).toBeCloseTo(expected, 12);
});

test('the rarer word decides, ties keep the order of the documents, and k cuts', () => {
  const search = indexPassages(passages);
  expect(search('receipt sandbox', 5).map(({ passage: { title } }) => title)).toEqual(['scripts', 'receipts']);
  expect(search('receipt sandbox', 1)).toHaveLength(1);
  const same = indexPassages([passage('a', 'x y'), passage('b', 'x y')]);
  expect(same('x', 2).map(({ passage: { title } }) => title)).toEqual(['a', 'b']);
});

test('accents and case do not matter', () => {
  expect(indexPassages(passages)('PROGRAMACAO', 1)[0]?.passage.title).toBe('programação');
});

test.each([
  ['verified', 'how to verify'],
  ['verifies', 'verified'],
  ['signing', 'signed'],
  ['processes', 'a process'],
  ['limit', 'limits'],
  ['gates', 'the gate'],
])('`%s` finds `%s`', (query, text) => {
  expect(indexPassages([passage('p', text)])(query, 1)).toHaveLength(1);
});

test('a query of words that carry no topic, of nothing, or over nothing finds nothing', () => {
  const search = indexPassages(passages);
  for (const query of ['what is the', '…!?', 'zebra']) expect(search(query, 5)).toEqual([]);
  expect(indexPassages([])('receipt', 5)).toEqual([]);
});
