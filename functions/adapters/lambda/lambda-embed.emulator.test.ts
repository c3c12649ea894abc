import { afterAll, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { builtPath } from '../../../tests/integration/lambda/built-path.ts';
import { startRustFunctions } from '../../../tests/integration/lambda/rust-functions.ts';
import { describeEmbed } from '../../domain/ports/compute-embed.contract.ts';
import { findAddon } from '../native/find-addon.ts';
import { findOnnxRuntime } from '../native/find-onnxruntime.ts';
import { openNativeEmbed } from '../native/native-embed.ts';
import { lambdaEmbed } from './lambda-embed.ts';

const repository = join(import.meta.dirname, '../../..');
const running = startRustFunctions(['embed-text']);
const opened = running.then(async ({ invoke }) => {
  const embed = lambdaEmbed({ invoke, function_name: 'embed-text' });
  const [model] = await embed.describe();
  if (model === undefined) throw new Error('expected a model in the layer');
  return { embed, model: model.id };
});
afterAll(async () => (await running).stop());

describe('embedding on Lambda', () => {
  describeEmbed(() => opened);
});

test('says which model is there, by the digest of its weights', async () => {
  const { embed } = await opened;
  const native = await openNative();
  const { id, weights_sha256, dimension, default_precision } = native.model;
  const precisions = native.model.precisions.map(({ name }) => name);
  expect(await embed.describe()).toEqual([{ id, weights_sha256, dimension, precisions, default_precision }]);
  await native.close();
});

test.each(['fp32', 'int8'] as const)('gives the vectors of the native adapter in %s', async (precision) => {
  const { embed, model } = await opened;
  const native = await openNative();
  const texts = Array.from({ length: 40 }, (_, index) =>
    `sentence ${index} of é, 漢字 and 🦀 `.repeat((index % 7) + 1),
  );
  const request = { model, precision, texts, input_type: 'query', truncate: 'end' } as const;
  const [here, there] = await Promise.all([native.embed(request), embed.embed(request)]);
  expect([...there.tokens]).toEqual([...here.tokens]);
  for (let row = 0; row < texts.length; row += 1) {
    const [from, to] = [row * here.dimension, (row + 1) * here.dimension];
    const other = there.vectors.subarray(from, to);
    const cosine = here.vectors.subarray(from, to).reduce((sum, value, at) => sum + value * (other[at] ?? 0), 0);
    expect(cosine).toBeGreaterThanOrEqual(0.99999);
  }
  await native.close();
});

test('a process that is killed while it embeds is replaced, and the work done', async () => {
  const { server } = await running;
  const { embed, model } = await opened;
  server.inject('embed-text', 'throttled', 'killed', 'unavailable');
  const { tokens } = await embed.embed({ model, texts: ['a'], input_type: 'query', truncate: 'end' });
  expect(tokens).toEqual(Uint32Array.of(3));
});

async function openNative() {
  const addon_path = findAddon();
  const library = findOnnxRuntime({ repository, platform: process.platform, arch: process.arch });
  const model_dir = builtPath('models', '');
  if (addon_path === undefined || library.kind === 'missing' || model_dir === undefined) {
    throw new Error('the native addon or the model is not built: `npm run build`');
  }
  return openNativeEmbed({ addon_path, ort_lib_path: library.path, model_dir });
}
