import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { describeObjects } from '../../domain/ports/objects.contract.ts';
import { ObjectsUnavailableError } from '../../domain/ports/objects.ts';
import { killWriter } from '../kill-writer.ts';
import { fileObjects } from './file-objects.ts';

describeObjects('files', async () => {
  const home = await mkdtemp(join(tmpdir(), 'signet-objects-'));
  const root = join(home, 'objects');
  let objects = fileObjects({ root });
  return {
    get objects() {
      return objects;
    },
    async crash(key) {
      const acknowledged = await killWriter(new URL('./crash.child.ts', import.meta.url), [root, key]);
      objects = fileObjects({ root });
      return acknowledged;
    },
    close: () => rm(home, { recursive: true }),
  };
});

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'signet-objects-'));
});
afterEach(() => rm(home, { recursive: true }));

test('objects are plain files', async () => {
  await fileObjects({ root: join(home, 'objects') }).put('log/tile/0/000', Buffer.from('tile'));
  expect(await readFile(join(home, 'objects/log/tile/0/000'), 'utf8')).toBe('tile');
});

test('symbolic links are followed nowhere, neither as objects nor as folders', async () => {
  const root = join(home, 'objects');
  const objects = fileObjects({ root });
  await objects.put('in/a', Buffer.from('inside'));
  await mkdir(join(home, 'out'));
  await writeFile(join(home, 'out/secret'), 'outside');
  await symlink(join(home, 'out'), join(root, 'folder'));
  await symlink(join(home, 'out/secret'), join(root, 'in/link'));
  for (const key of ['folder/secret', 'in/link']) {
    await expect(objects.get(key)).rejects.toThrow(ObjectsUnavailableError);
    await expect(objects.head(key)).rejects.toThrow(ObjectsUnavailableError);
  }
  await expect(objects.put('folder/new', Buffer.from('x'))).rejects.toThrow(ObjectsUnavailableError);
  await expect(objects.delete('folder/secret')).rejects.toThrow(ObjectsUnavailableError);
  await objects.delete('in/link');
  await objects.put('in/link', Buffer.from('x'), { ifAbsent: false });
  expect(await objects.list({ prefix: '', limit: 10 })).toEqual({ keys: ['in/a', 'in/link'] });
  expect(await readdir(join(home, 'out'))).toEqual(['secret']);
  expect(await readFile(join(home, 'out/secret'), 'utf8')).toBe('outside');
});

test('a root may itself be reached by a symbolic link', async () => {
  await mkdir(join(home, 'disk'));
  await symlink(join(home, 'disk'), join(home, 'objects'));
  const objects = fileObjects({ root: join(home, 'objects') });
  await objects.put('a/b', Buffer.from('x'));
  expect((await objects.get('a/b'))?.bytes).toBe(1);
});

test('a key that continues another is refused', async () => {
  const objects = fileObjects({ root: home });
  await objects.put('a', Buffer.from('x'));
  await objects.put('b/c', Buffer.from('x'));
  await expect(objects.put('a/b', Buffer.from('x'))).rejects.toThrow(TypeError);
  await expect(objects.put('b', Buffer.from('x'))).rejects.toThrow(TypeError);
  await expect(objects.put('b', Buffer.from('x'), { ifAbsent: true })).rejects.toThrow(TypeError);
  expect(await objects.get('a/b')).toBeUndefined();
  expect(await objects.get('b')).toBeUndefined();
  await objects.delete('b');
  expect(await objects.list({ prefix: '', limit: 10 })).toEqual({ keys: ['a', 'b/c'] });
});

test('what a killed writer left half done is removed and never listed', async () => {
  const left = join(home, 'incoming-1-'.padEnd(205, '-') + 'x');
  await writeFile(left, 'half');
  const objects = fileObjects({ root: home });
  expect(await objects.list({ prefix: '', limit: 10 })).toEqual({ keys: [] });
  expect(await readdir(home)).toEqual([]);
});

test('a root that cannot be used is the storage at fault, not the caller', async () => {
  await writeFile(join(home, 'file'), '');
  const objects = fileObjects({ root: join(home, 'file') });
  await expect(objects.get('a')).rejects.toMatchObject({
    name: 'ObjectsUnavailableError',
    operation: 'get',
    retryable: false,
  });
});
