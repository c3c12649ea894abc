import type { FileHandle } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { contentTags } from './content-tags.ts';

/** A file of three bytes that counts how often its content is read. */
function fileOf(ino: number): { file: FileHandle; reads: () => number } {
  let reads = 0;
  const file = {
    stat: async () => ({ dev: 1n, ino: BigInt(ino), size: 3n, mtimeNs: 0n, birthtimeNs: 0n }),
    read: async (_chunk: Uint8Array, _offset: number, _length: number, position: number) => {
      if (position > 0) return { bytesRead: 0 };
      reads += 1;
      return { bytesRead: 3 };
    },
  };
  return { file: file as unknown as FileHandle, reads: () => reads };
}

test('remembers 4,096 files and forgets the first one then', async () => {
  const tags = contentTags();
  const files = Array.from({ length: 4097 }, (_, ino) => fileOf(ino));
  for (const { file } of files.slice(0, 4096)) await tags.tagOf(file);
  const first = files[0];
  if (first === undefined) throw new Error('no file');
  await tags.tagOf(first.file);
  expect(first.reads()).toBe(1);
  for (const { file } of files.slice(4096)) await tags.tagOf(file);
  await tags.tagOf(first.file);
  expect(first.reads()).toBe(2);
});
