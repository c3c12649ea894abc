import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncFolder, writeNewFile } from '../adapters/files/durable-files.ts';
import { apiKeyRow } from '../domain/api-keys/keys.ts';
import { nodeKey } from '../domain/identity/keys.ts';
import type { Table } from '../domain/ports/table.ts';

/** Where the owner's key stands, and whether this start wrote it. */
export interface OwnerKey {
  readonly path: string;
  readonly is_new: boolean;
}

/** The files of a home do not belong together: the start must stop, before it writes anything. Says what to do. */
export class HomeRefusedError extends Error {
  override readonly name = 'HomeRefusedError';
}

/**
 * Refuses a home whose `owner.key` outlived its table: a table that knows neither a node nor that key is not this home's,
 * and starting on it would bury keys, receipts and all else under a new beginning.
 */
export async function refuseLostTable({
  path,
  table,
  now,
}: {
  path: string;
  table: Table;
  now: number;
}): Promise<void> {
  const token = await readKey(path);
  if (token === '' || (await table.get(nodeKey(), now)) !== undefined) return;
  const [, id = ''] = token.split('_');
  if (id !== '' && (await table.get(apiKeyRow(id), now)) !== undefined) return;
  throw new HomeRefusedError(
    `expected the node that ${path} belongs to in signet.db, found an empty table; restore signet.db from a backup, or remove owner.key to begin anew`,
  );
}

/**
 * Sees to it that `owner.key` (0600) is there, whole or not at all. Who can write into the home is the owner, so a file
 * that is gone, or that a start which died did not come to write, is made with a new key; the old one, if any, lives on
 * in the table until it is revoked.
 * @param mint makes the key and answers its token, which is shown this once
 */
export async function ensureOwnerKey(path: string, mint: () => Promise<string>): Promise<OwnerKey> {
  if ((await readKey(path)) !== '') return { path, is_new: false };
  const partial = `${path}.${randomUUID()}.new`;
  try {
    await writeNewFile(partial, Buffer.from(`${await mint()}\n`));
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
  await syncFolder(dirname(path));
  return { path, is_new: true };
}

/** The token in the file; empty when there is none. */
export async function readKey(path: string): Promise<string> {
  const there = await stat(path).catch(() => undefined);
  if (there === undefined) return '';
  if (!there.isFile())
    throw new HomeRefusedError(`expected a file with the owner's key at ${path}; move away what is there`);
  return (await readFile(path, 'utf8')).trim();
}
