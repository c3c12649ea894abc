import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import models from '../../../../layers/models/models.json' with { type: 'json' };
import { homeModels } from '@signet/functions/adapters/model-hub/home-models.ts';
import { readRegistry } from '@signet/functions/domain/models/registry.ts';
import type { Terminal } from '../terminal.ts';
import { installModel } from './install-model.ts';

const registry = readRegistry(models);
let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-install-'));
});
afterEach(() => rm(home, { recursive: true }));

const terminal = { progress: () => undefined, note: () => undefined } as unknown as Terminal;

function install(id: string): Promise<unknown> {
  const model = registry.find(id);
  if (model === undefined) throw new Error(`no \`${id}\` in the registry`);
  return installModel({ model, home, terminal });
}

async function pin(id: string): Promise<void> {
  await writeFile(join(home, 'model.safetensors'), 'weights');
  await writeFile(join(home, 'tokenizer.json'), '{}');
  await homeModels(home).pin(id, home);
}

test('without a pin nothing is fetched', async () => {
  await expect(install('e5-small-v2')).rejects.toThrow('signet models pin e5-small-v2 <folder>');
});

test('weights that no recipe makes a graph of are refused before anything is fetched', async () => {
  await pin('nomic-embed-text-v1.5');
  await expect(install('nomic-embed-text-v1.5')).rejects.toThrow('no recipe makes a graph of nomic weights');
});

test('a pinned file that is another by now is named with both digests', async () => {
  await pin('e5-small-v2');
  await writeFile(join(home, 'model.safetensors'), 'other weights');
  await expect(install('e5-small-v2')).rejects.toThrow(
    /model\.safetensors`: expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}/,
  );
  expect(await homeModels(home).list()).toEqual([]);
});
