import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readCloudSettings } from './read-cloud-settings.ts';
import { SettingsError } from './signet-json.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signet-settings-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(content: object): Promise<Awaited<ReturnType<typeof readCloudSettings>>> {
  const path = join(folder, 'signet.json');
  await writeFile(path, JSON.stringify(content));
  return readCloudSettings(path);
}

const upstream = { name: 'upstream', base_url: 'http://127.0.0.1:8000/v1', tier: 'local' };

test('without a file the owner is alone and the built-in model answers', async () => {
  expect(await readCloudSettings(join(folder, 'none.json'))).toEqual({
    single_user: true,
    providers: [],
    witnessing: { logs: new Map(), witnesses: [] },
  });
});

test('reads the schema of the laptop', async () => {
  const settings = await read({
    single_user: false,
    providers: [{ name: 'openai', base_url: 'https://api.openai.com/v1', api_key_env: 'OPENAI_API_KEY' }],
  });
  expect(settings).toMatchObject({
    single_user: false,
    providers: [{ name: 'openai', api_key_env: 'OPENAI_API_KEY' }],
  });
});

test('a provider at an address of the function itself is refused, unless the file says that it is meant', async () => {
  await expect(read({ providers: [upstream] })).rejects.toThrow(SettingsError);
  await expect(read({ providers: [upstream] })).rejects.toThrow(/`upstream` elsewhere than `http:\/\/127.0.0.1:8000/);
  const meant = await read({ allow_local_addresses: true, providers: [upstream] });
  expect(meant.providers).toHaveLength(1);
});

test('names everything that is wrong', async () => {
  await expect(read({ provider: [] })).rejects.toThrow(/unrecognized key/);
  await expect(read({ providers: [upstream, upstream] })).rejects.toThrow(/several.*elsewhere than/);
});
