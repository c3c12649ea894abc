import type { DigestCompute } from './compute.ts';

/** SHA-256 and BLAKE3 of one piece of bytes, lower-case hex. */
export async function digestOne(
  digest: Pick<DigestCompute, 'digest'>,
  bytes: Uint8Array,
): Promise<{ readonly sha256: string; readonly blake3: string }> {
  const [digests] = await digest.digest([bytes]);
  if (digests === undefined) throw new Error('the digest capability answered nothing for what it was asked');
  return digests;
}
