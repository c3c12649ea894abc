import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ensureOwnerKey, HomeRefusedError } from './owner-key.ts';
import { openNode, type OpenedNode } from './open-node.ts';
import { readSettings } from './read-settings.ts';

let home: string;
let path: string;
let said: string[];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-owner-'));
  path = join(home, 'owner.key');
  said = [];
});
afterEach(() => rm(home, { recursive: true }));

async function open(): Promise<OpenedNode> {
  const environment = { SIGNET_HOME: home, SIGNET_LOG: 'fatal' };
  return openNode({
    settings: await readSettings({ environment, overrides: {} }),
    environment,
    build_folder: join(home, 'nothing-built'),
    repository: dirname(dirname(dirname(fileURLToPath(import.meta.url)))),
    tell: (line) => said.push(line),
  });
}

async function token(): Promise<string> {
  return (await readFile(path, 'utf8')).trim();
}

test('is written once, for its owner alone', async () => {
  expect(await ensureOwnerKey(path, async () => 'sg_1')).toEqual({ path, is_new: true });
  expect(await ensureOwnerKey(path, () => Promise.reject(new Error('asked twice')))).toEqual({ path, is_new: false });
  expect(await readFile(path, 'utf8')).toBe('sg_1\n');
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(home)).toEqual(['owner.key']);
});

test('a folder in its place is refused', async () => {
  await mkdir(path);
  await expect(ensureOwnerKey(path, async () => 'sg_1')).rejects.toThrow(HomeRefusedError);
});

test.each(['gone', 'empty'])(
  'a file that is %s is made with another key, and the first one stays valid',
  async (state) => {
    await (await open()).close();
    const first = await token();
    // What a start leaves that died between storing its key and writing the file.
    if (state === 'gone') await rm(path);
    else await writeFile(path, '');
    const node = await open();
    expect(node.owner_key.is_new).toBe(true);
    for (const one of [first, await token()]) expect(await node.services.apiKeys.authenticate(one)).toBeDefined();
    await node.close();
  },
);

test('a key in it that is not valid is said', async () => {
  await writeFile(path, '');
  await (await open()).close();
  expect(said).toEqual([]);
  await writeFile(path, 'sg_other\n');
  await (await open()).close();
  expect(said).toEqual([expect.stringContaining(`the key in ${path} is not valid`)]);
});

test('a home whose table is lost is refused, start after start, until the owner decides', async () => {
  await (await open()).close();
  await rm(join(home, 'signet.db'));
  for (const _ of [1, 2]) await expect(open()).rejects.toThrow('restore signet.db from a backup');
  await rm(path);
  await (await open()).close();
});
