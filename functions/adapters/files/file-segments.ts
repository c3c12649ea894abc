import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkObjectKey } from '../../domain/ports/object-rules.ts';
import type { FindSegment } from '../../domain/vectors/find-segment.ts';
import { errorCode } from './durable-files.ts';

/** Segments of `fileObjects` under the same root, as files that whoever searches reads by itself. */
export function fileSegments({ root }: { root: string }): FindSegment {
  return async (key) => {
    checkObjectKey(key);
    const path = join(root, key);
    try {
      return (await lstat(path)).isFile() ? { path } : undefined;
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  };
}
