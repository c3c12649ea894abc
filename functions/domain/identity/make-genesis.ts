import { readToken, secretDigest } from '../api-keys/token.ts';
import type { Keys, PublicKey } from '../ports/keys.ts';
import { signFirstDocuments, type FirstLogKey } from './first-documents.ts';
import type { Genesis } from './genesis.ts';
import { rfc3339 } from './node-document.ts';

/**
 * Makes the genesis of a stage. `keys` holds the root key of that stage, or makes it now; it stays there, and so does the
 * owner's token: the genesis names the key alone. A run that died after the root key was made finds it again.
 * @param issuer the public half of the key in KMS that will vouch for session keys
 * @param owner_token `sg_<id>_<secret>`, as `newToken` makes it; stored by the caller before this is called
 */
export async function makeGenesis({
  stage,
  keys,
  issuer,
  log,
  owner_token,
  now,
  label = 'owner',
  origin,
}: {
  stage: string;
  keys: Keys;
  issuer: PublicKey;
  /** The key in KMS that will sign the checkpoints of the log. */
  log?: FirstLogKey;
  owner_token: string;
  /** Unix milliseconds. */
  now: number;
  label?: string;
  /** Public prefix of the log without scheme; absent, the log is named after the node. */
  origin?: string;
}): Promise<Genesis> {
  if (issuer.role !== 'issuer') throw new TypeError(`expected a key of role \`issuer\`, got \`${issuer.role}\``);
  const token = readToken(owner_token);
  if (token === undefined) throw new TypeError("expected the owner's token as `sg_<id>_<secret>`");
  const root = (await keys.list()).find(({ role }) => role === 'root') ?? (await keys.create('root'));
  const { node_id, document, constitution } = await signFirstDocuments({
    keys,
    root,
    issuer,
    now,
    ...(log === undefined ? {} : { log }),
    ...(origin === undefined ? {} : { origin }),
  });
  return {
    format: 1,
    stage,
    created_at: rfc3339(now),
    node_document: { ...document, id: node_id },
    constitution,
    owner_key: { id: token.id, secret_sha256: secretDigest(token.secret).toString('hex'), label },
  };
}
