import { createHash } from 'node:crypto';

/** `<fingerprint of the prefix>.<last key>`, base64url: a position means something only within its own listing. */
export function cursorAfterKey(prefix: string, key: string): string {
  return Buffer.from(`${fingerprint(prefix)}.${key}`).toString('base64url');
}

/** The last key of the page before. Throws `TypeError` for a cursor of another listing, or none. */
export function readKeyCursor(prefix: string, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const expected = `${fingerprint(prefix)}.`;
  const key = text.slice(expected.length);
  if (!text.startsWith(expected) || key === '' || !key.startsWith(prefix)) {
    throw new TypeError('the cursor belongs to another listing');
  }
  return key;
}

function fingerprint(prefix: string): string {
  return createHash('sha256').update(prefix).digest('base64url').slice(0, 12);
}
