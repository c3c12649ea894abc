import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { BoundedMap } from '../../domain/bounded-map.ts';

const remembered_max = 4096;

/**
 * SHA-256 of a file's content, lower-case hex, remembered by the identity of the file. A stored object is never written
 * again (a put moves a new file into place), so the same inode with the same times and size has the same content.
 */
export function contentTags(): {
  tagOf(file: FileHandle): Promise<string>;
  /** For a body that was read whole anyway. */
  remember(file: FileHandle, body: Uint8Array): Promise<string>;
} {
  const remembered = new BoundedMap<string, string>(remembered_max);

  function keep(identity: string, tag: string): string {
    remembered.set(identity, tag);
    return tag;
  }

  return {
    async tagOf(file) {
      const identity = await identityOf(file);
      return remembered.get(identity) ?? keep(identity, await digestFile(file));
    },

    async remember(file, body) {
      const identity = await identityOf(file);
      return remembered.get(identity) ?? keep(identity, createHash('sha256').update(body).digest('hex'));
    },
  };
}

async function identityOf(file: FileHandle): Promise<string> {
  const { dev, ino, size, mtimeNs, birthtimeNs } = await file.stat({ bigint: true });
  return `${dev}:${ino}:${size}:${mtimeNs}:${birthtimeNs}`;
}

async function digestFile(file: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const chunk = new Uint8Array(256 * 1024);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, position);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, bytesRead));
    position += bytesRead;
  }
}
