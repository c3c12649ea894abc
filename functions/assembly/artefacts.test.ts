import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { CapabilityUnavailableError } from '../domain/ports/compute.ts';
import { artefactState } from './artefacts.ts';
import { computeSlots } from './compute-slots.ts';

let build_folder: string;
beforeEach(async () => {
  build_folder = await mkdtemp(join(tmpdir(), 'signet-artefacts-'));
  await mkdir(join(build_folder, 'native'));
});
afterEach(async () => {
  await rm(build_folder, { recursive: true, force: true });
});

const put = (name: string, value: object) => writeFile(join(build_folder, 'native', name), JSON.stringify(value));
const state = (now = 0) => artefactState({ build_folder, name: 'native', now });

describe('an artefact', () => {
  test('is absent, then being built with what is left of its estimate, then failed or ready', async () => {
    expect(state()).toEqual({ kind: 'absent' });
    await put('progress.json', { step: 'compiling', started_at: 1_000, estimate_s: 100 });
    expect(state(31_000)).toEqual({ kind: 'building', step: 'compiling', ready_in_s: 70 });
    expect(state(900_000)).toMatchObject({ ready_in_s: 5 });
    await rm(join(build_folder, 'native', 'progress.json'));
    await put('failed.json', { reason: '`cargo` is not installed' });
    expect(state()).toEqual({ kind: 'failed', reason: '`cargo` is not installed' });
    await put('manifest.json', { name: 'native', folder: 'abc', files: {} });
    expect(state()).toMatchObject({ kind: 'ready', folder: join(build_folder, 'native', 'abc') });
  });

  test('whose builder was killed is not being built', async () => {
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    await put('progress.json', { step: 'compiling', started_at: 0, estimate_s: 9, pid: gone });
    expect(state()).toEqual({ kind: 'absent' });
    await put('progress.json', { step: 'compiling', started_at: 0, estimate_s: 9, pid: process.pid });
    expect(state()).toMatchObject({ kind: 'building' });
  });
});

describe('compute slots', () => {
  const digest = (sha256: string) => ({
    digest: async () => [{ sha256, blake3: '' }],
    canonicalise: async () => [],
  });

  test('refuse with the reason and the step while nothing serves', async () => {
    const slots = computeSlots('not built');
    await expect(slots.digest.digest([])).rejects.toThrow(CapabilityUnavailableError);
    slots.declare('digest', { served_by: 'unavailable', reason: 'being built', step: 'compiling', ready_in_s: 9 });
    await expect(slots.digest.digest([])).rejects.toMatchObject({ state: { step: 'compiling', ready_in_s: 9 } });
  });

  test('let a call in flight finish on the adapter it began on', async () => {
    const slots = computeSlots('not built');
    let finish = (): void => undefined;
    const slow = new Promise<void>((resolve) => (finish = resolve));
    slots.use(
      'digest',
      { ...digest('old'), digest: async () => (await slow, [{ sha256: 'old', blake3: '' }]) },
      'wasm',
    );
    const early = slots.digest.digest([]);
    slots.use('digest', digest('new'), 'native');
    expect((await slots.digest.digest([]))[0]?.sha256).toBe('new');
    finish();
    expect((await early)[0]?.sha256).toBe('old');
    expect(slots.states().digest).toEqual({ served_by: 'native' });
  });
});
