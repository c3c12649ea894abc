import { afterAll, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeWithAddon } from '../../../tests/fixtures/with-addon.ts';
import { describeCompute } from '../../domain/ports/compute.contract.ts';
import { describeKeys } from '../../domain/ports/compute-keys.contract.ts';
import { openNativeCompute } from './native-compute.ts';

describeWithAddon('native addon', (addon_path) => {
  describeCompute('compute on the native addon', async () => openNativeCompute({ addon_path }));
  describeKeys(Promise.resolve(openNativeCompute({ addon_path })));

  const folder = mkdtemp(join(tmpdir(), 'signet-addon-'));
  afterAll(async () => rm(await folder, { recursive: true }));

  test('a cut addon is refused before the loader sees it', async () => {
    const cut = join(await folder, 'cut.node');
    await copyFile(addon_path, cut);
    await truncate(cut, (await readFile(addon_path)).length - 1);
    expect(() => openNativeCompute({ addon_path: cut })).toThrow('is cut');
  });
});

test('a file that is missing or something else is named in the error', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'signet-addon-'));
  try {
    const path = join(folder, 'other.node');
    expect(() => openNativeCompute({ addon_path: path })).toThrow(`\`${path}\` cannot be read`);
    await writeFile(path, 'not a library');
    expect(() => openNativeCompute({ addon_path: path })).toThrow(path);
    expect(existsSync(path)).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});
