import { open, readFile, stat } from 'node:fs/promises';

/** Where the owner's key stands, and whether this start wrote it. */
export interface OwnerKey {
  readonly path: string;
  readonly is_new: boolean;
}

/**
 * Sees to it that `owner.key` (0600) is there. Who can write into the home is the owner, so a file that is gone is made
 * anew with a new key; the old one, if any, lives on in the table until it is revoked.
 * @param mint makes the key and answers its token, which is shown this once
 */
export async function ensureOwnerKey(path: string, mint: () => Promise<string>): Promise<OwnerKey> {
  const there = await stat(path).catch(() => undefined);
  if (there !== undefined && (await readFile(path, 'utf8')).trim() !== '') return { path, is_new: false };
  const token = await mint();
  const file = await open(path, 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(`${token}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  return { path, is_new: true };
}
