import { expect, test } from '@jest/globals';
import { readModelFacts } from '../../domain/models/model-facts.ts';
import { modelShelf } from './model-shelf.ts';
import type { NativeEmbed } from './native-embed.ts';

const factsOf = (id: string) =>
  readModelFacts(
    JSON.stringify({
      id,
      license: 'MIT',
      weights_sha256: 'ab'.repeat(32),
      tokenizer_sha256: 'ab'.repeat(32),
      dimension: 1,
      max_tokens: 64,
      pooling: 'cls',
      normalize: true,
      prefixes: {},
      output: 'o',
      precisions: [{ name: 'fp32', file: 'm.onnx', sha256: 'ab'.repeat(32), bytes: 1 }],
    }),
  );

function open(id: string, closed: string[]): NativeEmbed {
  return {
    model: factsOf(id),
    runtime_build: '',
    embed: async ({ texts }) => ({
      vectors: new Float32Array(texts.length).fill(id.length),
      dimension: 1,
      tokens: new Uint32Array(texts.length),
      truncated: [],
    }),
    close: async () => void closed.push(id),
  };
}

const ask = (model: string) => ({ model, texts: ['a'], input_type: 'query', truncate: 'end' }) as const;

test('a model is found when it is pulled, opened by its first text, and once', async () => {
  const closed: string[] = [];
  const opens: string[] = [];
  const there: string[] = [];
  const shelf = modelShelf({
    first: open('a', closed),
    others: async () =>
      there.map((id) => ({ facts: factsOf(id), open: async () => (opens.push(id), open(id, closed)) })),
  });
  expect((await shelf.embed(ask('a'))).vectors[0]).toBe(1);
  await expect(shelf.embed(ask('bb'))).rejects.toThrow('no model `bb` is installed');
  there.push('bb', 'a');
  const both = await Promise.all([shelf.embed(ask('bb')), shelf.embed(ask('bb'))]);
  expect(both.map(({ vectors }) => vectors[0])).toEqual([2, 2]);
  expect(opens).toEqual(['bb']);
  expect((await shelf.installed()).map(({ id }) => id)).toEqual(['a', 'bb']);
  await shelf.close();
  expect(closed).toEqual(['a', 'bb']);
});

test('one that does not open is tried again', async () => {
  let tries = 0;
  const model = {
    facts: factsOf('bb'),
    open: async () => {
      tries += 1;
      if (tries === 1) throw new Error('damaged');
      return open('bb', []);
    },
  };
  const shelf = modelShelf({ first: open('a', []), others: async () => [model] });
  await expect(shelf.embed(ask('bb'))).rejects.toThrow('damaged');
  expect((await shelf.embed(ask('bb'))).vectors[0]).toBe(2);
});
