import { expect, test } from '@jest/globals';
import models from '../../../layers/models/models.json' with { type: 'json' };
import { readRegistry } from './registry.ts';

const first = models.models[0];

test('reads the committed registry: six models, one of them pinned and default', () => {
  const registry = readRegistry(models);
  expect(registry.models.map(({ id }) => id)).toHaveLength(6);
  expect(registry.default.id).toBe('all-MiniLM-L6-v2');
  expect(registry.models.filter(({ files }) => files !== null).map(({ id }) => id)).toEqual(['all-MiniLM-L6-v2']);
  expect(registry.find('BAAI/bge-small-en-v1.5')?.pooling).toBe('cls');
  expect(registry.find('toString')).toBeUndefined();
});

test('another default may be named by id or alias, but must be known', () => {
  expect(readRegistry(models, 'intfloat/e5-small-v2').default.id).toBe('e5-small-v2');
  expect(() => readRegistry(models, 'text-embedding-3-small')).toThrow('expected the default embedding model');
});

test('one name cannot mean two models', () => {
  expect(() => readRegistry({ ...models, models: [first, first] })).toThrow('names two models');
});

test('int8 is a default only where its check is on record', () => {
  const { default: minilm } = readRegistry(models);
  expect([minilm.default_precision, minilm.checked.int8?.cosine_mean]).toEqual(['int8', expect.any(Number)]);
  expect(() => readRegistry({ ...models, models: [{ ...first, checked: {} }] })).toThrow('without a check');
});

test('refuses a digest that is none and a hub without TLS', () => {
  const broken = (change: object) => readRegistry({ ...models, models: [{ ...first, ...change }] });
  const file = { name: 'a', sha256: 'abc', bytes: 1 };
  expect(() => broken({ files: { weights: file, tokenizer: file } })).toThrow();
  expect(() => broken({ sources: [{ kind: 'hub', url: 'http://example.org' }] })).toThrow();
  expect(() => broken({})).not.toThrow();
});
