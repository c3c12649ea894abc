import { expect, test } from '@jest/globals';
import { precisionOf, readModelFacts } from './model-facts.ts';

const digest = 'ab'.repeat(32);
const good = {
  id: 'all-MiniLM-L6-v2',
  license: 'Apache-2.0',
  weights_sha256: digest,
  tokenizer_sha256: digest,
  dimension: 384,
  max_tokens: 256,
  pooling: 'mean',
  normalize: true,
  prefixes: { query: 'query: ' },
  output: 'last_hidden_state',
  precisions: [{ name: 'fp32', file: 'model.fp32.onnx', sha256: digest, bytes: 1 }],
};
const read = (change: object) => readModelFacts(JSON.stringify({ ...good, ...change }));

test('reads a built folder; its first precision serves where it names no default', () => {
  const int8 = { ...good.precisions[0], name: 'int8' };
  const both = read({ precisions: [...good.precisions, int8], default_precision: 'int8' });
  expect(both.default_precision).toBe('int8');
  expect(precisionOf(both, 'fp32').file).toBe('model.fp32.onnx');
  expect(read({}).default_precision).toBe('fp32');
});

test('refuses what an engine could not be opened with', () => {
  expect(() => readModelFacts('{')).toThrow();
  expect(() => read({ pooling: 'median' })).toThrow();
  expect(() => read({ dimension: 0 })).toThrow();
  expect(() => read({ precisions: [] })).toThrow('names no precision');
  expect(() => read({ default_precision: 'int8' })).toThrow(
    'expected a precision of `all-MiniLM-L6-v2` (fp32), got `int8`',
  );
});

test('a graph cannot stand outside its folder', () => {
  expect(() => read({ precisions: [{ ...good.precisions[0], file: '../model.onnx' }] })).toThrow();
});
