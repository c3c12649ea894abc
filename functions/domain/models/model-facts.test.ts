import { expect, test } from '@jest/globals';
import { readModelFacts } from './model-facts.ts';

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

test('reads a built folder and serves its first precision', () => {
  expect(read({})).toMatchObject({ id: good.id, precision: { name: 'fp32', file: 'model.fp32.onnx' } });
});

test('refuses what an engine could not be opened with', () => {
  expect(() => readModelFacts('{')).toThrow();
  expect(() => read({ pooling: 'median' })).toThrow();
  expect(() => read({ dimension: 0 })).toThrow();
  expect(() => read({ precisions: [] })).toThrow('names no precision');
});

test('a graph cannot stand outside its folder', () => {
  expect(() => read({ precisions: [{ ...good.precisions[0], file: '../model.onnx' }] })).toThrow();
});
