import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseStrictJson, StrictJsonError } from './strict-json.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

test('agrees with JSON.parse on every text that JSON.stringify writes from clean values', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
      const text = JSON.stringify(value);
      let read: unknown;
      try {
        read = parseStrictJson(bytes(text), 64);
      } catch (error) {
        // Only what the profile leaves out may be refused here.
        expect(['json.string', 'json.number']).toContain((error as StrictJsonError).reason);
        return;
      }
      expect(read).toEqual(JSON.parse(text));
    }),
  );
});

test('refuses every object with a repeated name, wherever it stands', () => {
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), fc.nat(10), (name, value, depth) => {
      fc.pre(name.isWellFormed());
      const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`;
      const text = `${'{"k":['.repeat(depth)}{${member},${member}}${']}'.repeat(depth)}`;
      expect(() => parseStrictJson(bytes(text), 64)).toThrow(StrictJsonError);
    }),
  );
});

test('throws nothing but StrictJsonError on arbitrary bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (input) => {
      try {
        parseStrictJson(input, 64);
      } catch (error) {
        expect(error).toBeInstanceOf(StrictJsonError);
      }
    }),
  );
});
