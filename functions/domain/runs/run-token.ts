import { Buffer } from 'node:buffer';
import { createHash, timingSafeEqual } from 'node:crypto';
import type { RandomBytes } from '../call.ts';

/**
 * What the sandbox shows with every frame: `srt~<tenant>~<attempt>~<256 bits>`. The names only say where the row is;
 * what counts is the hash of the whole text there. `~` is in no tenant's name.
 */
export function makeToken(request: { tenant: string; attempt: number; random: RandomBytes }): string {
  const secret = Buffer.from(request.random(32)).toString('base64url');
  return `srt~${request.tenant}~${request.attempt}~${secret}`;
}

/** The tenant that a token names, or undefined when it is no token. Nothing is believed yet. */
export function tenantOf(token: string): string | undefined {
  return /^srt~([a-z0-9][a-z0-9._-]{0,63})~[1-9][0-9]{0,8}~[A-Za-z0-9_-]{43}$/.exec(token)?.[1];
}

export function tokenDigest(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

/** In constant time over the hashes. */
export function isToken(token: string, expected_sha256: string): boolean {
  const expected = Buffer.from(expected_sha256, 'hex');
  const given = Buffer.from(tokenDigest(token), 'hex');
  return expected.length === given.length && timingSafeEqual(expected, given);
}
