import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { homeModels } from './home-models.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-models-'));
});
afterEach(() => rm(home, { recursive: true }));

const facts = (id: string): string =>
  JSON.stringify({
    id,
    license: 'MIT',
    weights_sha256: 'ab'.repeat(32),
    tokenizer_sha256: 'ab'.repeat(32),
    dimension: 8,
    max_tokens: 64,
    pooling: 'cls',
    normalize: true,
    prefixes: {},
    output: 'last_hidden_state',
    precisions: [{ name: 'fp32', file: 'model.fp32.onnx', sha256: 'ab'.repeat(32), bytes: 1000 }],
  });

const build = (id: string) => async (folder: string) => {
  await writeFile(join(folder, 'model.json'), facts(id));
  await writeFile(join(folder, 'model.fp32.onnx'), Buffer.alloc(1000));
};
const usedAt = (id: string, seconds: number) => utimes(join(home, 'models', id, 'model.json'), seconds, seconds);
const ids = async () => (await homeModels(home).list()).map((model) => model.facts.id).toSorted();

test('a home without models has none', async () => {
  const models = homeModels(join(home, 'nowhere'));
  expect(await models.list()).toEqual([]);
  expect(await models.pins()).toEqual({});
  expect(await models.evict()).toEqual([]);
});

test('pins the digests of what stands in a folder, and says which file is missing', async () => {
  const folder = join(home, 'files');
  await mkdir(folder);
  await writeFile(join(folder, 'model.safetensors'), 'weights');
  const models = homeModels(home);
  await expect(models.pin('e5-small-v2', folder)).rejects.toThrow('tokenizer.json');
  await writeFile(join(folder, 'tokenizer.json'), '{}');
  const pin = await models.pin('e5-small-v2', folder);
  expect(pin).toMatchObject({ folder, weights: { bytes: 7, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } });
  await models.pin('bge-small-en-v1.5', folder);
  expect(Object.keys(await models.pins())).toEqual(['e5-small-v2', 'bge-small-en-v1.5']);
});

test('a model appears whole or not at all, and is built once', async () => {
  const models = homeModels(home);
  await expect(
    models.install('a', async () => {
      throw new Error('no weights');
    }),
  ).rejects.toThrow('no weights');
  await expect(models.install('a', async () => undefined)).rejects.toThrow('model.json');
  expect(await readdir(join(home, 'models'))).toEqual([]);
  const both = await Promise.all([models.install('a', build('a')), models.install('a', build('a'))]);
  expect(both.toSorted()).toEqual(['installed', 'present']);
  expect(await ids()).toEqual(['a']);
});

test('a precision becomes the default, if the model has it', async () => {
  const models = homeModels(home);
  await models.install('a', build('a'));
  await models.setDefault('a', 'fp32');
  await expect(models.setDefault('a', 'int8')).rejects.toThrow('expected a precision of `a` (fp32), got `int8`');
  expect((await models.list())[0]?.facts.default_precision).toBe('fp32');
});

test('a folder that calls itself otherwise is no model', async () => {
  const models = homeModels(home);
  await models.install('a', build('b'));
  expect(await ids()).toEqual([]);
});

test('the least recently used leave, and never one in use by a process that lives', async () => {
  const models = homeModels(home);
  for (const [at, id] of ['old', 'held', 'new'].entries()) {
    await models.install(id, build(id));
    await usedAt(id, 1000 + at);
  }
  expect(await models.evict(10_000)).toEqual([]);
  const held = await models.hold('held');
  await usedAt('held', 1);
  expect(await models.evict(3000)).toEqual(['old']);
  expect(await models.evict(0)).toEqual(['new']);
  await held.release();
  const dead = spawn(process.execPath, ['-e', '']);
  await once(dead, 'exit');
  await writeFile(join(home, 'models', 'held', `in-use.${dead.pid}`), '');
  expect(await models.evict(0)).toEqual(['held']);
  expect(await ids()).toEqual([]);
});
