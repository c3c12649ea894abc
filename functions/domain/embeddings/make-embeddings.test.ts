import { expect, test } from '@jest/globals';
import models from '../../../layers/models/models.json' with { type: 'json' };
import type { Call } from '../call.ts';
import type { Judge, Judgement, Outcome } from '../decisions/judge.ts';
import { readRegistry } from '../models/registry.ts';
import { CapabilityUnavailableError, ComputeRefusedError, type EmbedCompute } from '../ports/compute.ts';
import { makeEmbeddings, type InstalledModel } from './make-embeddings.ts';
import type { EmbedRequest } from './embeddings.ts';

const minilm = 'all-MiniLM-L6-v2';
const digest = 'ab'.repeat(32);
const both: InstalledModel = {
  id: minilm,
  weights_sha256: digest,
  precisions: ['fp32', 'int8'],
  default_precision: 'int8',
};

/** One token a word, four at most; each vector names its text by length, so order can be seen. */
const wordEngine = (seen: (readonly string[])[], precisions: unknown[] = []): EmbedCompute => ({
  async embed({ texts, truncate, precision }) {
    seen.push(texts);
    precisions.push(precision);
    const counts = texts.map((text) => text.split(' ').length);
    const long = counts.findIndex((count) => count > 4);
    const empty = texts.indexOf('\u200b');
    if (empty >= 0) throw new ComputeRefusedError({ code: 'empty_text', index: empty, message: 'empty' });
    if (long >= 0 && truncate === 'error') {
      const facts = { tokens: counts[long] ?? 0, max: 4 };
      throw new ComputeRefusedError({ code: 'input_too_long', index: long, message: 'long', facts });
    }
    const vectors = new Float32Array(texts.length * 384);
    texts.forEach((text, row) => (vectors[row * 384] = text.length));
    const truncated = counts.flatMap((count, row) => (count > 4 ? [row] : []));
    return { vectors, dimension: 384, tokens: Uint32Array.from(counts, (count) => Math.min(count, 4)), truncated };
  },
});

const setUp = (options: { compute?: () => EmbedCompute; installed?: readonly InstalledModel[] } = {}) => {
  const seen: (readonly string[])[] = [];
  const precisions: unknown[] = [];
  const judged: (Judgement & { outcome: Outcome })[] = [];
  const clock = { now: 1_000_000 };
  const judge: Judge = {
    async decide(_, judgement, work) {
      const { value, outcome } = await work();
      judged.push({ ...judgement, outcome });
      return { value, receipt: 'receipt-1' };
    },
    open: () => Promise.reject(new Error('not a stream')),
    permits: () => true,
  };
  const embeddings = makeEmbeddings({
    registry: readRegistry(models),
    compute: options.compute ?? (() => wordEngine(seen, precisions)),
    installed: () => options.installed ?? [both],
    served_by: () => 'native',
    judge,
    now: () => clock.now,
  });
  return { embeddings, seen, precisions, judged, clock };
};

const callOf = (tenant = 'default', signal = new AbortController().signal): Call => ({
  principal: { kind: 'key', id: 'key-1', tenant, scopes: ['embed'] },
  request_id: '0199',
  nextStatement: () => 0,
  depth: 0,
  signal,
});

const ask = (texts: readonly string[], more: Partial<EmbedRequest> = {}): EmbedRequest => ({
  texts,
  input_type: 'document',
  truncate: 'end',
  ...more,
});

test('answers rows in the order of the texts, with model, digest and tokens, under one receipt', async () => {
  const { embeddings, judged } = setUp();
  const { value, receipt } = await embeddings.embed(callOf(), ask(['a b', 'a b c d e', 'abc']));
  expect(receipt).toBe('receipt-1');
  expect(value.vectors.map((row) => row[0])).toEqual([3, 9, 3]);
  expect(value).toMatchObject({
    model: minilm,
    model_digest: digest,
    precision: 'int8',
    dimension: 384,
    tokens: [2, 4, 1],
    truncated: [1],
    served_by: 'native',
  });
  expect(judged).toMatchObject([
    {
      action: 'embed',
      resource: { type: 'Model', id: minilm },
      facts: { inputs: 3 },
      outcome: { usage: { in: 7 }, response: { vectors_sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    },
  ]);
});

test('takes an alias, and nothing that merely sounds like a model', async () => {
  const { embeddings, judged } = setUp();
  const named = await embeddings.embed(callOf(), ask(['a'], { model: `sentence-transformers/${minilm}` }));
  expect(named.value.model).toBe(minilm);
  await expect(embeddings.embed(callOf(), ask(['a'], { model: 'text-embedding-3-small' }))).rejects.toMatchObject({
    code: 'model_not_found',
    public: { param: 'model' },
  });
  expect(judged).toHaveLength(1);
});

test('a model that is known but not installed is refused with the command that installs it', async () => {
  const { embeddings } = setUp();
  await expect(embeddings.embed(callOf(), ask(['a'], { model: 'e5-small-v2' }))).rejects.toMatchObject({
    code: 'model_not_installed',
    status: 503,
    public: { detail: expect.stringContaining('signet models pull e5-small-v2') },
  });
});

test('while the node builds its default model, the capability is what is missing', async () => {
  const state = { served_by: 'unavailable', reason: 'being built', step: 'converting', ready_in_s: 9 } as const;
  const compute = (): EmbedCompute => {
    throw new CapabilityUnavailableError('embed', state);
  };
  const { embeddings } = setUp({ compute, installed: [] });
  await expect(embeddings.embed(callOf(), ask(['a']))).rejects.toBeInstanceOf(CapabilityUnavailableError);
  const removed = setUp({ installed: [] });
  await expect(removed.embeddings.embed(callOf(), ask(['a']))).rejects.toMatchObject({ code: 'model_not_installed' });
});

test('refuses no text, too many, and blank ones by their place', async () => {
  const { embeddings, seen } = setUp();
  await expect(embeddings.embed(callOf(), ask([]))).rejects.toMatchObject({ public: { reason: 'no_input' } });
  await expect(embeddings.embed(callOf(), ask(Array(2049).fill('a')))).rejects.toMatchObject({
    public: { reason: 'too_many_inputs', param: 'input' },
  });
  await expect(embeddings.embed(callOf(), ask(['a', ' \n']))).rejects.toMatchObject({
    code: 'invalid_request',
    public: { reason: 'empty_text', param: 'input[1]' },
  });
  expect(seen).toEqual([]);
});

test('a text at fault in a later part is named by its place in the whole list', async () => {
  const { embeddings } = setUp();
  const texts = Array.from({ length: 300 }, (_, index) => `text ${index}`);
  await expect(embeddings.embed(callOf(), ask([...texts, '\u200b']))).rejects.toMatchObject({
    public: { reason: 'empty_text', param: 'input[300]' },
  });
  const long = embeddings.embed(callOf(), ask([...texts, 'one two three four five'], { truncate: 'error' }));
  await expect(long).rejects.toMatchObject({
    code: 'context_length_exceeded',
    public: { reason: 'input_too_long', param: 'input[300]', detail: expect.stringContaining('at most 4 tokens') },
  });
});

test('stops at the token limit of a request', async () => {
  const large: EmbedCompute = {
    async embed({ texts }) {
      const tokens = new Uint32Array(texts.length).fill(8192);
      return { vectors: new Float32Array(texts.length * 384), dimension: 384, tokens, truncated: [] };
    },
  };
  const { embeddings } = setUp({ compute: () => large });
  const texts = Array.from({ length: 512 }, (_, index) => `${index}`);
  await expect(embeddings.embed(callOf(), ask(texts))).rejects.toMatchObject({ public: { reason: 'too_many_tokens' } });
});

test('computes a repeated text once an hour, for each tenant and input type', async () => {
  const { embeddings, seen, clock } = setUp();
  const first = await embeddings.embed(callOf(), ask(['a', 'b c']));
  first.value.vectors[0]?.fill(7);
  const again = await embeddings.embed(callOf(), ask(['b c', 'd', 'a']));
  expect(again.value.vectors.map((row) => row[0])).toEqual([3, 1, 1]);
  expect(again.value.tokens).toEqual([2, 1, 1]);
  await embeddings.embed(callOf('other'), ask(['a']));
  await embeddings.embed(callOf(), ask(['a'], { input_type: 'query' }));
  clock.now += 3_600_001;
  await embeddings.embed(callOf(), ask(['a']));
  expect(seen).toEqual([['a', 'b c'], ['d'], ['a'], ['a'], ['a']]);
});

test('a cached text that was cut is refused all the same when cutting is', async () => {
  const { embeddings } = setUp();
  const long = 'one two three four five';
  expect((await embeddings.embed(callOf(), ask([long]))).value.truncated).toEqual([0]);
  expect((await embeddings.embed(callOf(), ask([long]))).value.truncated).toEqual([0]);
  await expect(embeddings.embed(callOf(), ask([long], { truncate: 'error' }))).rejects.toMatchObject({
    code: 'context_length_exceeded',
  });
});

test('an aborted call computes nothing further', async () => {
  const { embeddings, seen } = setUp();
  const abort = new AbortController();
  abort.abort(new Error('client gone'));
  await expect(embeddings.embed(callOf('default', abort.signal), ask(['a']))).rejects.toThrow('client gone');
  expect(seen).toEqual([]);
});

test('vectors for callers that are judged already leave no decision and no cache entry', async () => {
  const { embeddings, judged, seen } = setUp();
  const { signal } = new AbortController();
  for (let round = 0; round < 2; round += 1) await embeddings.vectorsOf(ask(['a']), signal);
  expect((await embeddings.vectorsOf(ask([]), signal)).vectors).toEqual([]);
  expect(judged).toEqual([]);
  expect(seen).toEqual([['a'], ['a']]);
});

test('lists every model of the registry with what is installed and the default', async () => {
  const { embeddings } = setUp();
  const listed = await embeddings.models(callOf());
  expect(listed).toHaveLength(6);
  expect(listed.filter(({ installed }) => installed)).toEqual([
    {
      id: minilm,
      dimension: 384,
      max_tokens: 256,
      installed: true,
      pinned: true,
      precisions: ['fp32', 'int8'],
      default_precision: 'int8',
      checked: ['int8'],
      truncatable: [],
      default: true,
      license: 'Apache-2.0',
      aliases: ['sentence-transformers/all-MiniLM-L6-v2'],
      permitted: true,
    },
  ]);
});

test('a precision is taken as it was asked for, and each has vectors of its own in the cache', async () => {
  const { embeddings, precisions } = setUp();
  await embeddings.embed(callOf(), ask(['a']));
  const { value } = await embeddings.embed(callOf(), ask(['a'], { precision: 'fp32' }));
  await embeddings.embed(callOf(), ask(['a'], { precision: 'int8' }));
  expect(value.precision).toBe('fp32');
  expect(precisions).toEqual(['int8', 'fp32']);
});

test('a precision that is not installed is said, to a collection as a mismatch', async () => {
  const { embeddings } = setUp({ installed: [{ ...both, precisions: ['int8'] }] });
  await expect(embeddings.embed(callOf(), ask(['a'], { precision: 'fp32' }))).rejects.toMatchObject({
    code: 'model_not_installed',
    public: { param: 'precision' },
  });
  const { signal } = new AbortController();
  await expect(embeddings.vectorsOf(ask(['a'], { precision: 'fp32' }), signal)).rejects.toMatchObject({
    code: 'model_mismatch',
    status: 409,
  });
});

test('`dimensions` is for models that were trained to be cut, by whatever name they are given', async () => {
  const nomic = 'nomic-embed-text-v1.5';
  const wave: EmbedCompute = {
    async embed({ texts }) {
      const vectors = Float32Array.from({ length: texts.length * 768 }, (_, index) => Math.sin(index));
      return { vectors, dimension: 768, tokens: new Uint32Array(texts.length).fill(1), truncated: [] };
    },
  };
  const { embeddings } = setUp({ compute: () => wave, installed: [both, { ...both, id: nomic }] });
  const cut = await embeddings.embed(callOf(), ask(['a'], { model: `nomic-ai/${nomic}`, dimensions: 256 }));
  expect(cut.value.dimension).toBe(256);
  expect(cut.value.vectors[0]).toHaveLength(256);
  expect(Math.hypot(...(cut.value.vectors[0] ?? []))).toBeCloseTo(1, 5);
  const whole = await embeddings.embed(callOf(), ask(['a'], { model: nomic }));
  expect(whole.value.vectors[0]).toHaveLength(768);
  for (const [model, dimensions] of [
    [nomic, 100],
    [minilm, 256],
  ] as const) {
    await expect(embeddings.embed(callOf(), ask(['a'], { model, dimensions }))).rejects.toMatchObject({
      code: 'unsupported_parameter',
      public: { param: 'dimensions' },
    });
  }
});

test('many texts go in parts at once; a part that fails says which texts it had', async () => {
  const sizes: number[] = [];
  const failing: EmbedCompute = {
    async embed({ texts }) {
      sizes.push(texts.length);
      if (texts.includes('text 300')) throw new Error('the machine is tired');
      const tokens = new Uint32Array(texts.length).fill(1);
      return { vectors: new Float32Array(texts.length * 384), dimension: 384, tokens, truncated: [] };
    },
  };
  const { embeddings } = setUp({ compute: () => failing });
  const texts = (count: number): string[] => Array.from({ length: count }, (_, index) => `text ${index}`);
  await expect(embeddings.embed(callOf(), ask(texts(600)))).rejects.toThrow('input[256] to input[511]');
  expect(sizes.splice(0)).toEqual([256, 256, 88]);
  expect((await embeddings.embed(callOf(), ask(texts(128)))).value.vectors).toHaveLength(128);
  expect(sizes).toEqual([128]);
});
