import { createHash } from 'node:crypto';
import type { Query } from './table.ts';

/** `<fingerprint of the query>.<last sk>`, base64url: a position means something only within the query that made it. */
export function cursorAfter(query: Query, sk: string): string {
  return Buffer.from(`${fingerprint(query)}.${sk}`).toString('base64url');
}

/** The last `sk` of the page before. Throws `TypeError` for a cursor of another query, or none. */
export function readCursor(query: Query, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const expected = `${fingerprint(query)}.`;
  const sk = text.slice(expected.length);
  // A forged position could only lie outside the query's own bounds, which no adapter then checks again.
  if (!text.startsWith(expected) || !isWithin(query, sk)) throw new TypeError('the cursor belongs to another query');
  return sk;
}

function fingerprint({ pk, prefix, from, to, reverse = false }: Query): string {
  const identity = JSON.stringify([pk, prefix ?? null, from ?? null, to ?? null, reverse]);
  return createHash('sha256').update(identity).digest('base64url').slice(0, 12);
}

function isWithin({ prefix, from, to }: Query, sk: string): boolean {
  if (sk === '' || (prefix !== undefined && !sk.startsWith(prefix))) return false;
  const bytes = Buffer.from(sk);
  if (from !== undefined && Buffer.compare(bytes, Buffer.from(from)) < 0) return false;
  return to === undefined || Buffer.compare(bytes, Buffer.from(to)) <= 0;
}
