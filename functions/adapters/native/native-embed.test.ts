import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import referenceFile from '../../../layers/models/reference.json' with { type: 'json' };
import modelsFile from '../../../layers/models/models.json' with { type: 'json' };
import { checkVectors, readReference } from '../../domain/models/check-vectors.ts';
import { readRegistry } from '../../domain/models/registry.ts';
import { findOnnxRuntime } from './find-onnxruntime.ts';
import { openNativeEmbed, type NativeEmbed } from './native-embed.ts';
import paraphrases from './paraphrases.json' with { type: 'json' };

const repository = join(import.meta.dirname, '../../..');
const model_dir = built('models');
const addon_path = built('native', 'signet.node');
const isBuilt = model_dir !== undefined && addon_path !== undefined;
if (!isBuilt) console.warn('skipped: addon or model is not built (node scripts/build-artefacts.mjs native models)');

/** `npm test` builds the artefacts first; elsewhere these tests are counted as skipped. */
(isBuilt ? describe : describe.skip)('the default model in the native engine', () => {
  let engine: NativeEmbed;

  beforeAll(async () => {
    engine = await openNativeEmbed(places());
  }, 30_000);
  afterAll(() => engine?.close());

  const embed = (texts: readonly string[], more: Partial<Parameters<NativeEmbed['embed']>[0]> = {}) =>
    engine.embed({ model: engine.model.id, texts, input_type: 'document', truncate: 'end', ...more });

  test('is the model that the registry pins', () => {
    const { default: pinned } = readRegistry(modelsFile);
    expect(engine.model).toMatchObject({
      id: pinned.id,
      weights_sha256: pinned.files?.weights.sha256,
      dimension: pinned.dimension,
      precision: pinned.precisions[0],
    });
    expect(engine.runtime_build).toContain('ORT Build Info');
  });

  test('agrees with NumPy, alone and in a batch', async () => {
    const check = await checkVectors({ compute: engine, reference: readReference(referenceFile) });
    expect(check).toMatchObject({ kind: 'agrees', texts: 19 });
  });

  test('a reference of other vectors is told apart', async () => {
    const reference = readReference(referenceFile);
    const [first, second] = reference.vectors;
    if (first === undefined || second === undefined) throw new Error('the reference has vectors');
    const swapped = { ...reference, vectors: [{ ...first, vector_base64: second.vector_base64 }] };
    expect(await checkVectors({ compute: engine, reference: swapped })).toMatchObject({ kind: 'differs' });
    const recounted = { ...reference, ids: [{ text: 'a', ids: [1] }] };
    expect(await checkVectors({ compute: engine, reference: recounted })).toMatchObject({
      reason: 'expected 1 tokens, got 3',
    });
  });

  test('ranks the paraphrase of every query first', async () => {
    const { pairs } = paraphrases;
    const passages = await embed(pairs.map(({ passage }) => passage));
    const queries = await embed(
      pairs.map(({ query }) => query),
      { input_type: 'query' },
    );
    const wrong = pairs.filter((_, row) => best(rowOf(queries, row), passages) !== row).map(({ query }) => query);
    expect(wrong).toEqual([]);
    expect(pairs.length).toBeGreaterThanOrEqual(20);
  });

  test('refuses an empty text and, where asked to, an overlong one by place', async () => {
    await expect(embed(['a', ' '])).rejects.toMatchObject({
      name: 'ComputeRefusedError',
      code: 'empty_text',
      index: 1,
    });
    const long = 'word '.repeat(300);
    await expect(embed(['a', long], { truncate: 'error' })).rejects.toMatchObject({
      code: 'input_too_long',
      index: 1,
      facts: { tokens: 302, max: 256 },
    });
    expect(await embed(['a', long])).toMatchObject({ truncated: [1], tokens: Uint32Array.of(3, 256) });
  });

  test('an aborted request ends with the reason of the abort, waiting or running', async () => {
    const texts = Array.from({ length: 200 }, (_, index) => `sentence number ${index} `.repeat(10));
    const start = (signal: AbortSignal) =>
      Promise.allSettled(Array.from({ length: 4 }, () => embed(texts, { signal })));
    const [abort, later] = [new AbortController(), new AbortController()];
    const unstarted = start(abort.signal);
    abort.abort(new Error('client gone'));
    const running = start(later.signal);
    setImmediate(() => later.abort(new Error('client gone')));
    for (const outcome of [...(await unstarted), ...(await running)]) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { message: 'client gone' } });
    }
    await expect(embed(['a'], { signal: abort.signal })).rejects.toThrow('client gone');
    expect((await embed(['a'])).tokens).toEqual(Uint32Array.of(3));
  });

  test('answers many requests at once, each with its own vectors', async () => {
    const texts = Array.from({ length: 12 }, (_, index) => `text number ${index}`);
    const together = await embed(texts);
    const single = await Promise.all(texts.map((text) => embed([text])));
    for (const [row, { vectors }] of single.entries()) {
      const expected = rowOf(together, row);
      expect(Math.max(...vectors.map((value, at) => Math.abs(value - (expected[at] ?? NaN))))).toBeLessThan(1e-5);
    }
  });

  test('has nothing to do with a model of another name', async () => {
    await expect(embed(['a'], { model: 'e5-small-v2' })).rejects.toThrow('this engine holds');
  });

  test('closing waits for what runs and takes nothing new', async () => {
    const other = await openNativeEmbed(places());
    const running = other.embed({ model: other.model.id, texts: ['a'], input_type: 'query', truncate: 'end' });
    await other.close();
    await expect(running).resolves.toMatchObject({ dimension: 384 });
    await expect(
      other.embed({ model: other.model.id, texts: ['a'], input_type: 'query', truncate: 'end' }),
    ).rejects.toThrow('closed');
  });

  test('what cannot be opened says why and hurts nothing else', async () => {
    const good = places();
    const folder = await mkdtemp(join(tmpdir(), 'signet-embed-'));
    try {
      await expect(openNativeEmbed({ ...good, ort_lib_path: '/nowhere.so' })).rejects.toThrow('/nowhere.so');
      await expect(openNativeEmbed({ ...good, model_dir: folder })).rejects.toThrow('model.json');
      await expect(openNativeEmbed({ ...good, addon_path: join(folder, 'signet.node') })).rejects.toThrow(
        'signet.node',
      );
      await cp(join(good.model_dir, 'model.json'), join(folder, 'model.json'));
      await cp(join(good.model_dir, 'tokenizer.json'), join(folder, 'tokenizer.json'));
      await writeFile(join(folder, engine.model.precision.file), 'not a graph');
      await expect(openNativeEmbed({ ...good, model_dir: folder })).rejects.toThrow('model');
    } finally {
      await rm(folder, { recursive: true });
    }
    expect((await embed(['still here'])).tokens).toEqual(Uint32Array.of(4));
  });
});

function places() {
  const library = findOnnxRuntime({ repository, platform: process.platform, arch: process.arch });
  if (library.kind === 'missing') throw new Error(library.reason);
  return { addon_path: addon_path ?? '', ort_lib_path: library.path, model_dir: model_dir ?? '' };
}

/** A file of a built artefact, or its folder. */
function built(name: string, file = ''): string | undefined {
  const home = join(repository, '.signet-build', name);
  const manifest = join(home, 'manifest.json');
  if (!existsSync(manifest)) return undefined;
  const { folder }: { folder: string } = JSON.parse(readFileSync(manifest, 'utf8'));
  return join(home, folder, file);
}

interface Rows {
  readonly vectors: Float32Array;
  readonly dimension: number;
}

function rowOf({ vectors, dimension }: Rows, row: number): Float32Array {
  return vectors.subarray(row * dimension, (row + 1) * dimension);
}

function best(query: Float32Array, passages: Rows): number {
  const scores = Array.from({ length: passages.vectors.length / passages.dimension }, (_, row) =>
    rowOf(passages, row).reduce((sum, value, at) => sum + value * (query[at] ?? 0), 0),
  );
  return scores.indexOf(Math.max(...scores));
}
