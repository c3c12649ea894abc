import type { NewId } from '../call.ts';
import type { DigestCompute } from '../ports/compute.ts';
import { digestOne } from '../ports/digest-one.ts';
import type { Keys, PublicKey } from '../ports/keys.ts';
import { delegationType, statementPayloadType, statementType } from '../receipts/statement-types.ts';

/**
 * The issuer key vouches for `key`: for what it may sign and how long. The envelope's id is `del` of everything that the
 * key signs from then on.
 * @param window Unix seconds, inclusive
 */
export async function delegate(
  { keys, digest, newId }: { keys: Keys; digest: DigestCompute; newId: NewId },
  request: {
    issuer: PublicKey;
    key: PublicKey;
    node_id: string;
    con: string;
    kinds: readonly string[];
    window: { iat: number; nbf: number; naf: number };
  },
): Promise<{ readonly id: string; readonly envelope: string }> {
  const { issuer, key, node_id, con, kinds, window } = request;
  const digests = await digestOne(digest, key.public_key);
  const { iat, nbf, naf } = window;
  const sealed = await keys.sealEnvelope({
    key_id: issuer.key_id,
    payload_type: statementPayloadType,
    payload: {
      _type: statementType,
      subject: [{ name: key.key_id, digest: { ...digests } }],
      predicateType: delegationType,
      predicate: {
        v: 1,
        iss: node_id,
        iat,
        con,
        req: newId(),
        n: 0,
        key: key.key_id,
        role: key.role,
        custody: key.custody,
        kinds,
        nbf,
        naf,
      },
    },
  });
  return { id: sealed.id, envelope: new TextDecoder().decode(sealed.entry) };
}
