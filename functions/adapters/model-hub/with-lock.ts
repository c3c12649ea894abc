import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * Runs `work` while this process alone holds the lock file. Others wait; a lock whose process is dead is taken over.
 * Within one process too: the file is made exclusively each time.
 */
export async function withLock<T>(path: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  while (!(await take(path))) {
    if (await isAbandoned(path)) await rm(path, { force: true });
    else await pause(100, undefined, signal === undefined ? {} : { signal });
  }
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<boolean> {
  try {
    await writeFile(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Two waiters may both find a dead owner and both go on. They then write the same part file, and the digest check lets
 * nothing wrong through: rare and harmless, where a stricter lock would need a helper process.
 */
async function isAbandoned(path: string): Promise<boolean> {
  const owner = Number(await readFile(path, 'utf8').catch(() => ''));
  if (!Number.isInteger(owner) || owner <= 0) return isOld(path);
  try {
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return codeOf(error) === 'ESRCH';
  }
}

/** An empty file is a lock that is just being written, unless its writer was killed in between. */
async function isOld(path: string): Promise<boolean> {
  const written_at = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => Date.now(),
  );
  return Date.now() - written_at > 10_000;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
