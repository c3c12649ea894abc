import { expect, test } from '@jest/globals';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import fc from 'fast-check';
import type { Item } from '../../domain/ports/table.ts';
import { fromAttributes, toAttributes } from './item-attributes.ts';
import { sizeOf } from './native-value.ts';

const key = { pk: 'p'.repeat(1024), sk: 's'.repeat(1024) };
const item_bytes_max = 409_600;

/** What DynamoDB counts, by its documented rule. */
function storedBytes(item: Item): number {
  const attributes = Object.entries(toAttributes(key, item, 'r'.repeat(36)));
  return attributes.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + sizeOf(value), 0);
}

const awkward_name = fc.constantFrom(
  'pk',
  'sk',
  '',
  '~rev',
  '~packed',
  '~.',
  '~.pk',
  '__proto__',
  'constructor',
  '\ud800',
);
const awkward_number = fc.constantFrom(5e-324, 1.7976931348623157e308, 1e126, 1e-130, 9.9e125, 2 ** 53, 0.1, -1e-7);
const value = fc.oneof(
  { depthSize: 'small', withCrossShrink: true },
  fc.jsonValue({ noUnicodeString: false }),
  awkward_number,
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\ud800', '', '\0', 'x\udc00'),
);
const item = fc.dictionary(fc.oneof(awkward_name, fc.string()), value);

test('an item comes back as it was stored', () => {
  fc.assert(
    fc.property(item, (plain) => {
      const expected = JSON.parse(JSON.stringify(plain)) as Item;
      const stored = fromAttributes(toAttributes(key, expected, 'r'));
      expect(stored.item).toEqual(expected);
      expect(stored.revision).toBe('r');
    }),
  );
});

test('deep nesting comes back', () => {
  let deep: Item = { end: true };
  for (let level = 0; level < 63; level += 1) deep = { deep };
  expect(fromAttributes(toAttributes(key, deep, 'r')).item).toEqual(deep);
});

/** Texts of `bytes` bytes of JSON, drawn so that each byte carries as much information as text can. */
const alphabets: { readonly [name: string]: readonly [first: number, count: number][] } = {
  ascii: [
    [0x23, 57],
    [0x5d, 34],
  ],
  latin: [[0xa1, 1900]],
  wide: [[0x1000, 40_000]],
  emoji: [[0x10000, 1_000_000]],
  mixed: [
    [0x23, 57],
    [0x5d, 34],
    [0xa1, 1900],
    [0x1000, 40_000],
    [0x10000, 1_000_000],
  ],
};

test.each(Object.entries(alphabets))('whatever the port takes fits into DynamoDB: random text, %s', (_name, ranges) => {
  let state = 7;
  const random = (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  // Shares by byte length as the densest text has them: about 116 ** -length for each character.
  const weights = ranges.map(([first, count]) => count * 116 ** -Buffer.byteLength(String.fromCodePoint(first)));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let text = '';
  for (let bytes = Buffer.byteLength(JSON.stringify({ text: '' })); ; ) {
    let at = (random(1e9) / 1e9) * all;
    const [first, count] = ranges[weights.findIndex((weight) => (at -= weight) < 0)] ?? [0x61, 1];
    const character = String.fromCodePoint(first + random(count));
    bytes += Buffer.byteLength(character);
    if (bytes > limits.table.item_bytes_max) break;
    text += character;
  }
  const large = { text };
  expect(Buffer.byteLength(JSON.stringify(large))).toBeGreaterThan(limits.table.item_bytes_max - 4);
  expect(storedBytes(large)).toBeLessThanOrEqual(item_bytes_max);
  expect(fromAttributes(toAttributes(key, large, 'r')).item).toEqual(large);
});

test('whatever the port takes fits into DynamoDB: many small fields, many small numbers, empty lists', () => {
  const fields: Item = Object.fromEntries(Array.from({ length: 40_000 }, (_, n) => [n.toString(36), n % 10]));
  const numbers = { list: Array.from({ length: 204_000 }, (_, n) => n % 10) };
  const lists = { list: Array.from({ length: 136_000 }, () => []) };
  for (const large of [fields, numbers, lists]) {
    expect(Buffer.byteLength(JSON.stringify(large))).toBeLessThanOrEqual(limits.table.item_bytes_max);
    expect(storedBytes(large)).toBeLessThanOrEqual(item_bytes_max);
    expect(fromAttributes(toAttributes(key, large, 'r')).item).toEqual(large);
  }
});

test('scalars of a packed item stay where expressions see them', () => {
  const large = { version: 3, expires_at: 9, state: 'leased', text: 'x'.repeat(409_000), list: [1] };
  const attributes = toAttributes(key, large, 'r');
  expect(attributes).toMatchObject({ version: { N: '3' }, expires_at: { N: '9' }, state: { S: 'leased' } });
  expect(fromAttributes(attributes)).toMatchObject({ is_packed: true });
});
