import { createHash } from 'node:crypto';
import type { Call } from '../call.ts';
import { SignetError } from '../errors.ts';
import { madeEnvelopeKey } from './keys.ts';
import type { MessagesOptions } from './make-messages.ts';
import type { Provenance } from './messages.ts';

/**
 * Each origin must be a receipt or an envelope of this tenant, and its digest that of the entry or of the content.
 * Throws 422 with `digest.unknown` or `digest.mismatch`, naming the first that is not.
 */
export async function assertKnown(
  { table, receipts, now }: Pick<MessagesOptions, 'table' | 'receipts' | 'now'>,
  call: Call,
  provenance: readonly Provenance[],
): Promise<void> {
  const { tenant } = call.principal;
  const known = await Promise.all(
    provenance.map(async ({ id }) => {
      const made = await table.get(madeEnvelopeKey(tenant, id), now());
      if (made !== undefined) return made['content_hash'];
      const receipt = await receipts.get(id, tenant);
      return receipt === undefined ? undefined : sha256(Buffer.from(receipt.entry, 'base64'));
    }),
  );
  for (const [index, { digest }] of provenance.entries()) {
    const found = known[index];
    if (found === digest) continue;
    throw new SignetError({
      code: 'digest_mismatch',
      reason: found === undefined ? 'digest.unknown' : 'digest.mismatch',
      detail: found === undefined ? 'nothing here has this id' : 'the digest is of something else',
      param: `provenance[${index}]`,
    });
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
