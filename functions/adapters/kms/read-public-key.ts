import { GetPublicKeyCommand } from '@aws-sdk/client-kms';
import type { KMSClient } from '@aws-sdk/client-kms';
import type { KeyRole, PublicKey } from '../../domain/ports/keys.ts';
import { repeatCall } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { multikey } from './multikey.ts';

/** SubjectPublicKeyInfo of Ed25519 is these bytes and the 32 of the key. */
const spki_head = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * The public half of a key in KMS. Throws `CallFailedError` when KMS does not give it, and an error that says so when it
 * is no Ed25519 key.
 * @param request.key its id, ARN or alias
 */
export async function readPublicKey({
  client,
  key,
  role,
  rules,
}: {
  client: KMSClient;
  key: string;
  role: KeyRole;
  rules: RepeatRules;
}): Promise<PublicKey> {
  const { PublicKey: spki = new Uint8Array() } = await repeatCall(
    () => client.send(new GetPublicKeyCommand({ KeyId: key })),
    { rules },
  );
  if (spki.length !== 44 || !spki_head.equals(spki.subarray(0, 12))) {
    throw new Error(`expected an Ed25519 key (ECC_NIST_EDWARDS25519) at \`${key}\`, KMS has one of another kind`);
  }
  const public_key = new Uint8Array(spki.subarray(12));
  return { key_id: multikey(public_key), role, public_key, custody: 'kms' };
}
