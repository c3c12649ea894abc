import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { firstEntries } from '@signet/functions/domain/ledger/make-log.ts';
import type { ReadLogFile } from '@signet/functions/domain/verify/audit-log.ts';
import { CommandFailure, exits } from './failure.ts';

/** A log in a folder (its own, or the home of a node), or at an address below which `/log/` is served. */
export async function logSource(source: string, key: string | undefined): Promise<ReadLogFile> {
  if (/^https?:/.test(source)) return httpLog(source.replace(/\/+$/, ''), key);
  for (const below of ['', 'log', join('objects', 'log')]) {
    const folder = join(source, below);
    if ((await bytesOf(join(folder, 'checkpoint'))) !== undefined) return folderLog(folder);
  }
  throw new CommandFailure({ exit: exits.usage, message: `expected a log (a file \`checkpoint\`) in ${source}` });
}

/** One file of a node, with the key that its log asks for; undefined for 404. */
export async function fetchFrom(url: string, key: string | undefined): Promise<Uint8Array | undefined> {
  let answer: Response;
  try {
    answer = await fetch(url, { headers: key === undefined ? {} : { authorization: `Bearer ${key}` } });
  } catch (cause) {
    throw new CommandFailure({ exit: exits.failed, message: `expected a node at ${url}, none answers` }, { cause });
  }
  if (answer.status === 404) return undefined;
  if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
  const advice = answer.status === 401 || answer.status === 403 ? '; give a key with `ledger:read` by --key' : '';
  throw new CommandFailure({ exit: exits.failed, message: `expected ${url}, got ${answer.status}${advice}` });
}

function httpLog(url: string, key: string | undefined): ReadLogFile {
  return (path) => fetchFrom(`${url}/log/${path}`, key);
}

/** Of partial tiles a node keeps the widest; a narrower one is the beginning of it. */
function folderLog(folder: string): ReadLogFile {
  return async (path) => {
    const exact = await bytesOf(join(folder, path));
    const [, place, width] = /^(tile\/(?:entries|\d+)\/.*)\.p\/(\d+)$/.exec(path) ?? [];
    if (exact !== undefined || place === undefined) return exact;
    const widths = (await readdir(join(folder, `${place}.p`)).catch(() => [])).map(Number);
    const wider = [256, ...widths.filter((one) => one > Number(width))].map(async (one) =>
      bytesOf(join(folder, one === 256 ? place : `${place}.p/${one}`)),
    );
    const found = (await Promise.all(wider)).find((bytes) => bytes !== undefined);
    const isBundle = place.startsWith('tile/entries/');
    return isBundle && found !== undefined
      ? firstEntries(found, Number(width))
      : found?.subarray(0, 32 * Number(width));
  };
}

async function bytesOf(path: string): Promise<Uint8Array | undefined> {
  return readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
}
