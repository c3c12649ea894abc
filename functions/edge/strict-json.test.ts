import { describe, expect, test } from '@jest/globals';
import vectors from '@signet/shared/vectors/ijson/cases.json' with { type: 'json' };
import suite from '@signet/shared/vectors/ijson/suite.json' with { type: 'json' };
import { parseStrictJson, StrictJsonError } from './strict-json.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

function reasonOf(input: string | Uint8Array, depth_max = 64): string {
  try {
    parseStrictJson(typeof input === 'string' ? bytes(input) : input, depth_max);
  } catch (error) {
    if (error instanceof StrictJsonError) return error.reason;
    throw error;
  }
  return 'accepted';
}

describe('the vectors that the Rust parser passes too', () => {
  /** Rules of signed payloads that bodies of requests need not keep (docs/decisions/0039); size is judged before reading. */
  const looser = new Set(['minus zero', 'minus zero with an exponent', 'not zero but read as zero', '18 digits']);

  test.each(vectors.cases.filter(({ code }) => code !== 'json.size'))('$name', (vector) => {
    const { name, code } = vector;
    const times = 'times' in vector && typeof vector.times === 'number' ? vector.times : 1;
    const input =
      'hex' in vector && typeof vector.hex === 'string'
        ? Buffer.from(vector.hex, 'hex')
        : bytes((vector.text ?? '').repeat(times));
    expect(reasonOf(input, 32)).toBe(looser.has(name) ? 'accepted' : (code ?? 'accepted'));
  });

  /** The same rules by the names of the suite; besides, only the value of a number is seen, not whether it had an exponent. */
  const isLooser = (name: string): boolean =>
    /^i_number_(18_digits|minus_zero|real_underflow|double_huge_neg_exp|half_of_the_least|too_big_neg|very_big_neg)/.test(
      name,
    );

  test('each class of texts that suites of parsers have', () => {
    const reasons = suite.cases.map(({ name, text, hex }) => ({
      name,
      reason: reasonOf(hex === undefined ? (text ?? '') : Buffer.from(hex, 'hex'), 32),
    }));
    expect(reasons).toEqual(
      suite.cases.map(({ name, code }) => ({ name, reason: isLooser(name) ? 'accepted' : (code ?? 'accepted') })),
    );
  });
});

describe('what JSON.parse forgives', () => {
  test.each([
    ['a name twice', '{"a":1,"a":2}'],
    ['a name twice after unescaping', '{"a":1,"\\u0061":2}'],
    ['a name twice deep inside', '[{"x":[{"b":{"c":1,"c":1}}]}]'],
    ['a twin beside colons in strings', '{"a:":":","a:":"::"}'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}'],
  ])('refuses %s', (_, text) => {
    expect(reasonOf(text)).toBe('json.duplicate_key');
  });

  test('refuses bytes that are not UTF-8, overlong forms and a byte order mark', () => {
    expect(reasonOf(new Uint8Array([0x22, 0xff, 0x22]))).toBe('json.utf8');
    expect(reasonOf(new Uint8Array([0x22, 0xc0, 0xaf, 0x22]))).toBe('json.utf8');
    expect(reasonOf(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d]))).toBe('json.utf8');
  });

  test('refuses lone surrogates and noncharacters, in names too', () => {
    expect(reasonOf('"\\ud800"')).toBe('json.string');
    expect(reasonOf('{"\\udc00":1}')).toBe('json.string');
    expect(reasonOf('"\\uffff"')).toBe('json.string');
    expect(reasonOf('"\\ud83f\\udfff"')).toBe('json.string');
    expect(reasonOf('"\\ud83d\\ude00 fine"')).toBe('accepted');
  });

  test('refuses numbers that a double does not hold', () => {
    expect(reasonOf('1e999')).toBe('json.number');
    expect(reasonOf('-1e999')).toBe('json.number');
    expect(reasonOf('9007199254740992')).toBe('json.number');
    expect(reasonOf('9007199254740991')).toBe('accepted');
    expect(reasonOf('0.1')).toBe('accepted');
  });

  test('refuses nesting beyond the limit before parsing, and a hundred thousand brackets', () => {
    expect(reasonOf(`${'['.repeat(64)}${']'.repeat(64)}`)).toBe('accepted');
    expect(reasonOf(`${'['.repeat(65)}${']'.repeat(65)}`)).toBe('json.depth');
    expect(reasonOf('['.repeat(100_000))).toBe('json.depth');
    expect(reasonOf('"[[[["', 1)).toBe('accepted');
  });

  test.each([
    '',
    ' ',
    '{',
    '{"a":1}x',
    '{"a":1}{}',
    "{'a':1}",
    '{"a":1,}',
    'NaN',
    '01',
    '"\u0001"',
    '"unended',
    '"a\\"',
  ])('refuses broken text %j', (text) => {
    expect(reasonOf(text)).toBe('json.syntax');
  });
});

test('keeps __proto__ as an own member and pollutes nothing', () => {
  const value = parseStrictJson(bytes('{"__proto__":{"polluted":true}}'), 64) as object;
  expect(Object.hasOwn(value, '__proto__')).toBe(true);
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test('never quotes the body in its messages', () => {
  try {
    parseStrictJson(bytes('{"password": hunter2}'), 64);
  } catch (error) {
    expect(String(error)).not.toContain('hunter2');
  }
  expect.assertions(1);
});
