import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import referenceFile from '../../../layers/models/reference.json' with { type: 'json' };
import modelsFile from '../../../layers/models/models.json' with { type: 'json' };
import { checkVectors, readReference } from '../../domain/models/check-vectors.ts';
import { precisionOf } from '../../domain/models/model-facts.ts';
import { readRegistry } from '../../domain/models/registry.ts';
import { describeEmbed } from '../../domain/ports/compute-embed.contract.ts';
import { findOnnxRuntime } from './find-onnxruntime.ts';
import { openNativeEmbed, type NativeEmbed } from './native-embed.ts';

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

  describeEmbed(async () => ({ embed: engine, model: engine.model.id }));

  test('is the model that the registry pins', () => {
    const { default: pinned } = readRegistry(modelsFile);
    expect(engine.model).toMatchObject({
      id: pinned.id,
      weights_sha256: pinned.files?.weights.sha256,
      dimension: pinned.dimension,
      precisions: pinned.precisions,
      default_precision: 'int8',
    });
    expect(engine.runtime_build).toContain('ORT Build Info');
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

  test('has nothing to do with a model of another name', async () => {
    await expect(embed(['a'], { model: 'e5-small-v2' })).rejects.toThrow('this engine holds');
  });

  test('opens another precision when it is asked for, and says which there are', async () => {
    const [fp32, int8] = await Promise.all(
      (['fp32', 'int8'] as const).map((precision) => embed(['a b'], { precision })),
    );
    expect((await embed(['a b'])).vectors).toEqual(int8?.vectors);
    expect(fp32?.vectors).not.toEqual(int8?.vectors);
    const exact = await openNativeEmbed({ ...places(), precision: 'fp32' });
    expect(exact.model.default_precision).toBe('fp32');
    const { vectors } = await exact.embed({
      model: exact.model.id,
      texts: ['a b'],
      input_type: 'document',
      truncate: 'end',
    });
    expect(vectors).toEqual(fp32?.vectors);
    await exact.close();
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
      await writeFile(join(folder, precisionOf(engine.model, 'int8').file), 'not a graph');
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
