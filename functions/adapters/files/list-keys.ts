import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectPage } from '../../domain/ports/objects.ts';
import { errorCode } from './durable-files.ts';

const segment_bytes_max = 200;

/** Keys of the files under `root` in byte order. Reads only the folders that can hold a key of this page. */
export async function listKeys(request: {
  root: string;
  prefix: string;
  cursor?: string;
  limit: number;
}): Promise<ObjectPage> {
  const { root, prefix, cursor, limit } = request;
  const after = cursor === undefined ? undefined : readCursor(prefix, cursor);
  const keys: string[] = [];
  for await (const key of walk(root, '', prefix, after)) {
    if (keys.length === limit) return { keys, cursor: makeCursor(prefix, keys.at(-1) ?? '') };
    keys.push(key);
  }
  return { keys };
}

/** Depth first. A folder sorts as its name with the slash behind it: that is the byte order of the keys inside. */
async function* walk(root: string, folder: string, prefix: string, after: string | undefined): AsyncGenerator<string> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((cause: unknown) => {
    if (errorCode(cause) === 'ENOENT') return [];
    throw cause;
  });
  const paths = entries
    .filter((entry) => (entry.isFile() || entry.isDirectory()) && Buffer.byteLength(entry.name) <= segment_bytes_max)
    .map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : ''))
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  for (const path of paths) {
    if (!path.endsWith('/')) {
      if (path.startsWith(prefix) && isAfter(path, after)) yield path;
      continue;
    }
    const can_match = path.startsWith(prefix) || prefix.startsWith(path);
    const is_past = after !== undefined && !after.startsWith(path) && !isAfter(path, after);
    if (can_match && !is_past) yield* walk(root, path, prefix, after);
  }
}

function isAfter(path: string, after: string | undefined): boolean {
  return after === undefined || Buffer.compare(Buffer.from(path), Buffer.from(after)) > 0;
}

/** The prefix goes into the cursor, so that a cursor of another listing is noticed. */
function makeCursor(prefix: string, key: string): string {
  return Buffer.from(JSON.stringify([prefix, key])).toString('base64url');
}

function readCursor(prefix: string, cursor: string): string {
  try {
    const [of, key] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    if (of === prefix && typeof key === 'string') return key;
  } catch {
    // Refused below, like any other text that is no cursor of this listing.
  }
  throw new TypeError('the cursor belongs to another listing');
}
