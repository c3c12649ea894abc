import { createHash } from 'node:crypto';
import type { NewId, RandomBytes } from '../call.ts';

/** A token's two halves: the id finds the row, the secret (256 random bits) is compared by its SHA-256. */
export interface Token {
  /** 32 lower-case hex digits. */
  readonly id: string;
  readonly secret: string;
}

export const idForm = /^[0-9a-f]{32}$/;
const tokenForm = /^sg_([0-9a-f]{32})_([A-Za-z0-9_-]{43})$/;

export function newToken({ newId, random }: { newId: NewId; random: RandomBytes }): Token {
  return { id: plainId(newId()), secret: Buffer.from(random(32)).toString('base64url') };
}

/** The bearer text `sg_<id>_<secret>`; shown once. */
export function tokenText({ id, secret }: Token): string {
  return `sg_${id}_${secret}`;
}

export function readToken(bearer: string): Token | undefined {
  const match = tokenForm.exec(bearer);
  const [, id, secret] = match ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

/** A plain hash is enough for a secret nobody can guess; a slow one would only slow every request. */
export function secretDigest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}

/** A UUID without its hyphens: the token's parts are divided by `_` alone. */
export function plainId(id: string): string {
  return id.replaceAll('-', '').toLowerCase();
}
