import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { computeSlots } from './compute-slots.ts';
import { readSettings } from './read-settings.ts';
import { takeUpArtefacts } from './take-up-artefacts.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-take-up-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function publish(name: string, files: Readonly<Record<string, { text: string; bytes: number }>>): Promise<void> {
  await mkdir(join(folder, name, 'a'), { recursive: true });
  for (const [file, { text }] of Object.entries(files)) await writeFile(join(folder, name, 'a', file), text);
  const described = Object.entries(files).map(([file, { bytes }]) => [file, { bytes, sha256: '' }]);
  const manifest = { name, inputs_sha256: '', folder: 'a', files: Object.fromEntries(described), built_at: '' };
  await writeFile(join(folder, name, 'manifest.json'), JSON.stringify(manifest));
}

test('a cut file is named with what to do, once, and nothing claims to be ready', async () => {
  await publish('native', { 'signet.node': { text: 'cut', bytes: 9 }, 'signet-sandbox': { text: 'whole', bytes: 5 } });
  await publish('script-image', { 'script-image.cwasm': { text: 'cut', bytes: 7 } });
  const told: string[] = [];
  const slots = computeSlots('not built');
  const taken = takeUpArtefacts({
    settings: await readSettings({ environment: {}, overrides: { home: folder } }),
    build_folder: folder,
    repository: folder,
    slots,
    answerCall: async () => ({ t: 'reply', id: 0, ok: null }) as never,
    onSignSwitched: async () => undefined,
    tell: (line) => told.push(line),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  try {
    await taken.look();
    await taken.look();
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(/`native` .*signet\.node` has 3 of 9 bytes; `node scripts\/build-artefacts\.mjs native`/);
    expect(slots.states().run).toMatchObject({ served_by: 'unavailable', reason: expect.stringContaining('3 of 9') });
    expect(() => taken.scriptHost()).toThrow();
  } finally {
    await taken.close();
  }
});

test('what the owner set is not called damaged', async () => {
  await publish('native', { 'signet.node': { text: 'x', bytes: 1 }, 'signet-sandbox': { text: 'x', bytes: 1 } });
  await publish('models', { 'model.onnx': { text: 'x', bytes: 1 } });
  const told: string[] = [];
  const taken = takeUpArtefacts({
    settings: await readSettings({ environment: { SIGNET_COMPUTE: 'wasm' }, overrides: { home: folder } }),
    build_folder: folder,
    repository: folder,
    slots: computeSlots('not built'),
    answerCall: async () => ({ t: 'reply', id: 0, ok: null }) as never,
    onSignSwitched: async () => undefined,
    tell: (line) => told.push(line),
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  await taken.look();
  await taken.close();
  expect(told).toEqual([expect.stringMatching(/`embed` .*: SIGNET_COMPUTE=wasm, and .* does not embed$/)]);
});
