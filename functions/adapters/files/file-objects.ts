import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, readdir, realpath, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { checkListing, checkObjectKey, checkPutOptions, checkRange } from '../../domain/ports/object-rules.ts';
import { ObjectsUnavailableError } from '../../domain/ports/objects.ts';
import type { Objects, PutOptions, PutResult } from '../../domain/ports/objects.ts';
import { errorCode, syncFolder, writeNewFile } from './durable-files.ts';
import { contentTags } from './content-tags.ts';
import { listKeys } from './list-keys.ts';

/**
 * Objects as plain files under `root` (made when it is not there), so that they can be looked at and served with ordinary
 * tools. A put writes a whole new file beside the root's objects and moves it into place: readers and crashes see the old
 * object or the new one. Symbolic links below `root` are never followed. One process at a time may write under a root.
 */
export function fileObjects({ root }: { root: string }): Objects {
  const tags = contentTags();
  const locks = new Map<string, Promise<unknown>>();
  let prepared: Promise<string> | undefined;

  /** The root's true path; removes what a killed process left half written. */
  function prepare(): Promise<string> {
    prepared ??= (async () => {
      await mkdir(root, { recursive: true, mode: 0o700 });
      for (const name of await readdir(root)) {
        if (isIncoming(name) && !name.startsWith(incoming_prefix)) await rm(join(root, name), { force: true });
      }
      return realpath(root);
    })();
    prepared.catch(() => (prepared = undefined));
    return prepared;
  }

  /** Undefined when the folder of `key` is not there; refuses a path that a symbolic link bends. */
  async function locate(key: string): Promise<string | undefined> {
    const path = join(await prepare(), key);
    const folder = dirname(path);
    const real = await realpath(folder).catch((cause: unknown) => {
      if (errorCode(cause) === 'ENOENT' || errorCode(cause) === 'ENOTDIR') return undefined;
      throw cause;
    });
    if (real !== undefined && real !== folder) throw new Error('a symbolic link lies in the way of the object');
    return real === undefined ? undefined : path;
  }

  async function openObject(key: string): Promise<FileHandle | undefined> {
    const path = await locate(key);
    if (path === undefined) return undefined;
    try {
      const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
      if ((await file.stat()).isFile()) return file;
      await file.close();
      return undefined;
    } catch (cause) {
      if (errorCode(cause) === 'ENOENT' || errorCode(cause) === 'ENOTDIR') return undefined;
      throw cause;
    }
  }

  async function withObject<T>(key: string, use: (file: FileHandle) => Promise<T>): Promise<T | undefined> {
    const file = await openObject(key);
    if (file === undefined) return undefined;
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  }

  async function store(key: string, body: Uint8Array, options: PutOptions): Promise<PutResult> {
    const { ifAbsent = false, ifMatch, durable = true } = options;
    const present = ifAbsent || ifMatch !== undefined ? await withObject(key, (file) => tags.tagOf(file)) : undefined;
    if (ifAbsent && present !== undefined) return { kind: 'refused', etag: present };
    if (ifMatch !== undefined && present !== ifMatch) return { kind: 'refused', etag: present };

    const base = await prepare();
    const path = join(base, key);
    await makeFolders(base, dirname(path));
    await locate(key);
    const incoming = join(base, `${incoming_prefix}${randomUUID()}`);
    try {
      // Synced also when the put need not be durable: a name that got to disk before its content would be a torn object.
      await writeNewFile(incoming, body);
      if (ifAbsent) await link(incoming, path);
      else await rename(incoming, path);
    } catch (cause) {
      if (ifAbsent && errorCode(cause) === 'EEXIST') {
        const etag = await withObject(key, (file) => tags.tagOf(file));
        if (etag !== undefined) return { kind: 'refused', etag };
      }
      if (['ENOTDIR', 'EISDIR', 'EEXIST'].includes(errorCode(cause) ?? '')) {
        throw new TypeError(`expected no key to continue another, got \`${key}\` beside one that does`, { cause });
      }
      throw cause;
    } finally {
      await rm(incoming, { force: true });
    }
    if (durable) await syncFolder(dirname(path));
    return { kind: 'written', etag: tagOfBody(body) };
  }

  /** Puts and deletes of one key, one at a time: what makes `ifMatch` a compare-and-swap. */
  function alone<T>(key: string, work: () => Promise<T>): Promise<T> {
    const turn = (locks.get(key) ?? Promise.resolve()).then(work, work);
    locks.set(key, turn);
    const release = () => {
      if (locks.get(key) === turn) locks.delete(key);
    };
    turn.then(release, release);
    return turn;
  }

  return {
    async get(key, range) {
      checkObjectKey(key);
      if (range !== undefined) checkRange(range);
      return guarded('get', () =>
        withObject(key, async (file) => {
          const bytes = (await file.stat()).size;
          const body = await readBytes(file, Math.min(range?.from ?? 0, bytes), Math.min(range?.to ?? bytes, bytes));
          const etag = body.length === bytes ? await tags.remember(file, body) : await tags.tagOf(file);
          return { etag, bytes, body };
        }),
      );
    },

    async head(key) {
      checkObjectKey(key);
      return guarded('head', () =>
        withObject(key, async (file) => ({ etag: await tags.tagOf(file), bytes: (await file.stat()).size })),
      );
    },

    async put(key, body, options = {}) {
      checkObjectKey(key);
      checkPutOptions(options);
      return guarded('put', () => alone(key, () => store(key, body, options)));
    },

    async list(request) {
      checkListing(request);
      return guarded('list', async () => listKeys({ root: await prepare(), ...request }));
    },

    async delete(key) {
      checkObjectKey(key);
      await guarded('delete', () =>
        alone(key, async () => {
          const path = await locate(key);
          if (path === undefined) return;
          const found = await lstat(path).catch(() => undefined);
          if (found?.isFile() !== true) return;
          await rm(path);
          await syncFolder(dirname(path));
        }),
      );
    },
  };
}

/** Longer than any segment of a key, so that no object can have such a name. */
const incoming_prefix = `incoming-${process.pid}-`.padEnd(205, '-');

function isIncoming(name: string): boolean {
  return name.length > 200 && name.startsWith('incoming-');
}

async function guarded<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof TypeError) throw cause;
    const retryable = ['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY'].includes(errorCode(cause) ?? '');
    throw new ObjectsUnavailableError({ operation, retryable }, { cause });
  }
}

/** Each folder that had to be made is synced into its parent, or a loss of power would take it with all that is in it. */
async function makeFolders(base: string, folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    if (errorCode(cause) === 'ENOTDIR' || errorCode(cause) === 'EEXIST') return undefined;
    throw cause;
  });
  if (first === undefined) return;
  for (let made = folder; made !== base && made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}

async function readBytes(file: FileHandle, from: number, to: number): Promise<Uint8Array> {
  const body = new Uint8Array(to - from);
  let filled = 0;
  while (filled < body.length) {
    const { bytesRead } = await file.read(body, filled, body.length - filled, from + filled);
    if (bytesRead === 0) throw new Error('the object is shorter than its size');
    filled += bytesRead;
  }
  return body;
}

function tagOfBody(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}
