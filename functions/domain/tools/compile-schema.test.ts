import { describe, expect, test } from '@jest/globals';
import type { Json, JsonObject } from '../json.ts';
import { compileSchema } from './compile-schema.ts';

const faults = (schema: JsonObject, value: Json): readonly string[] => {
  const compiled = compileSchema(schema);
  if (compiled.kind === 'refused') throw new Error(compiled.reason);
  return compiled.validate(value);
};

describe('validates', () => {
  test('2020-12, with the place and the field in the fault', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'integer' } },
      required: ['a'],
      additionalProperties: false,
    };
    expect(faults(schema, { a: 1 })).toEqual([]);
    expect(faults(schema, { a: 'x' })).toEqual(['`/a` must be integer']);
    expect(faults(schema, { a: 1, c: 2 })).toEqual(['the value must NOT have additional properties (`c`)']);
    expect(faults({ prefixItems: [{ type: 'string' }], items: false }, ['a', 1])).toHaveLength(1);
  });

  test('each pattern by itself', () => {
    const schema = {
      type: 'object',
      properties: { a: { pattern: '^a+$' }, b: { pattern: '^b+$' }, c: { pattern: '^\\d{2}$' } },
    };
    expect(faults(schema, { a: 'aa', b: 'bb', c: '12' })).toEqual([]);
    expect(faults(schema, { b: 'aa' })).toHaveLength(1);
    expect(faults(schema, { c: 'aa' })).toHaveLength(1);
  });

  test('patterns in linear time', () => {
    expect(faults({ type: 'string', pattern: '^(a+)+$' }, `${'a'.repeat(50_000)}!`)).toHaveLength(1);
  });

  test('local references, also circular ones', () => {
    const schema = {
      $defs: { tree: { type: 'object', properties: { next: { $ref: '#/$defs/tree' } }, additionalProperties: false } },
      $ref: '#/$defs/tree',
    };
    expect(faults(schema, { next: { next: {} } })).toEqual([]);
    expect(faults(schema, { next: { other: 1 } })).toHaveLength(1);
  });

  test('two schemas with the same $id do not meet', () => {
    expect(faults({ $id: 'https://x.example/s', type: 'string' }, 'a')).toEqual([]);
    expect(faults({ $id: 'https://x.example/s', type: 'number' }, 1)).toEqual([]);
  });
});

const twice = (name: string): JsonObject => ({ anyOf: [{ $ref: name }, { $ref: name }] });
const steps = Array.from({ length: 30 }, (_, n): [string, JsonObject] => [`d${n}`, twice(`#/$defs/d${n + 1}`)]);
const doubling: JsonObject = { $defs: { ...Object.fromEntries(steps), d30: { type: 'string' } }, $ref: '#/$defs/d0' };

test.each<[string, JsonObject]>([
  ['a wrong keyword', { type: 'integer', minimum: 'x' }],
  ['an unknown type', { type: 'int' }],
  ['a remote reference', { $ref: 'https://x.example/s.json' }],
  ['a reference to nothing', { $ref: '#/$defs/none' }],
  ['an inner $id', { properties: { a: { $id: 'x' } } }],
  ['a pattern that is none', { pattern: '(' }],
  ['a backreference', { pattern: '(a)\\1' }],
  ['over 32 KiB', { description: 'x'.repeat(33_000) }],
  ['too deep', Array.from({ length: 70 }).reduce<JsonObject>((inner) => ({ not: inner }), { type: 'string' })],
  ['references that double at each step', doubling],
])('refuses %s', (_name, schema) => {
  expect(compileSchema(schema).kind).toBe('refused');
});
