import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkOnnxRuntime, findOnnxRuntime } from './find-onnxruntime.ts';

const repository = join(import.meta.dirname, '../../..');
const linux = { platform: 'linux', arch: 'x64' };
let folder: string;
let library: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-ort-'));
  library = join(folder, 'libonnxruntime.so.1');
  await writeFile(library, 'not really');
});
afterAll(() => rm(folder, { recursive: true }));

test('the configured library comes first', () => {
  expect(findOnnxRuntime({ repository, ...linux, configured: library })).toEqual({
    kind: 'found',
    path: library,
    source: 'environment',
  });
});

test('a configured library that is missing is not replaced by another', () => {
  const found = findOnnxRuntime({ repository, ...linux, configured: join(folder, 'typo.so') });
  expect(found).toMatchObject({ kind: 'missing', reason: expect.stringContaining('SIGNET_ORT_LIB') });
});

test('then the layer, then the package', () => {
  expect(findOnnxRuntime({ repository, ...linux, layer_path: library })).toMatchObject({ source: 'layer' });
  expect(findOnnxRuntime({ repository, ...linux })).toMatchObject({ kind: 'found', source: 'package' });
});

test('says what to do where none is', () => {
  expect(findOnnxRuntime({ repository: folder, ...linux })).toMatchObject({
    reason: expect.stringContaining('npm ci'),
  });
  expect(findOnnxRuntime({ repository, platform: 'freebsd', arch: 'x64' })).toMatchObject({
    reason: expect.stringContaining('SIGNET_ORT_LIB'),
  });
});

test('compares with the pin', async () => {
  expect(await checkOnnxRuntime(library, linux)).toMatchObject({
    kind: 'unpinned',
    reason: expect.stringContaining('got'),
  });
  const found = findOnnxRuntime({ repository, ...linux });
  if (found.kind !== 'found') throw new Error(found.reason);
  expect(await checkOnnxRuntime(found.path, linux)).toMatchObject({ kind: 'pinned', version: '1.30.0' });
});
