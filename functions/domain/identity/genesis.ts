import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import type { VerifyCompute } from '../ports/compute.ts';
import { signedBy } from './first-documents.ts';
import { listedKeys } from './node-document.ts';

/**
 * What a node in the cloud begins with. It is made once, on the machine of the owner, where the root key stays; the
 * file is public and holds no secret.
 */
export interface Genesis {
  readonly format: 1;
  readonly stage: string;
  /** RFC 3339, seconds. */
  readonly created_at: string;
  /** Document 0, signed by the root key. Its issuer keys live in KMS. */
  readonly node_document: JsonObject & { readonly id: string };
  /** Constitution 1, signed by the root key. */
  readonly constitution: JsonObject;
  /** The owner's API key, by the hash of its secret. */
  readonly owner_key: {
    readonly id: string;
    /** Lower-case hex. */
    readonly secret_sha256: string;
    readonly label: string;
  };
}

/** This file begins no node of this stage: the start must stop. Says what was expected and what came. */
export class GenesisRefusedError extends Error {
  override readonly name = 'GenesisRefusedError';
}

/**
 * Reads a genesis file and believes nothing in it that the root key did not sign: both documents are verified by the
 * strict verifier, against the key that the node id itself is. Throws `GenesisRefusedError`.
 */
export async function readGenesis({
  text,
  stage,
  verify,
}: {
  text: string;
  stage: string;
  verify: VerifyCompute;
}): Promise<Genesis> {
  const genesis = parse(text);
  if (genesis.stage !== stage) {
    throw new GenesisRefusedError(`expected the genesis of stage \`${stage}\`, got that of \`${genesis.stage}\``);
  }
  const { node_document, constitution } = genesis;
  const [root] = await verify.decodeKeyIds([node_document.id]);
  if (root?.ok !== true) throw new GenesisRefusedError('expected a did:key as the id of the node document');
  const proofs = await verify.verifyDocuments(
    [node_document, constitution].map((each) => signedBy(each, root.public_key)),
  );
  for (const [index, name] of ['node_document', 'constitution'].entries()) {
    const proof = proofs[index];
    if (proof?.ok === true) continue;
    throw new GenesisRefusedError(`\`${name}\` is not what the root key signed (\`${proof?.code ?? 'sig.invalid'}\`)`);
  }
  if (!listedKeys(node_document).some(({ role, revoked }) => role === 'issuer' && !revoked)) {
    throw new GenesisRefusedError('expected an issuer key in the node document, found none');
  }
  return genesis;
}

const form = z.strictObject({
  format: z.literal(1),
  stage: z.string().min(1).max(32),
  created_at: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  node_document: z.custom<Genesis['node_document']>(
    (value) => isObject(value) && typeof value['id'] === 'string' && value['seq'] === 0,
    'expected node document 0',
  ),
  constitution: z.custom<JsonObject>(
    (value) => isObject(value) && value['version'] === 1 && value['prev'] === null,
    'expected constitution 1',
  ),
  owner_key: z.strictObject({
    id: z.string().regex(/^[0-9a-f]{32}$/),
    secret_sha256: z.string().regex(/^[0-9a-f]{64}$/),
    label: z.string().min(1).max(128),
  }),
});

function parse(text: string): Genesis {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new GenesisRefusedError('expected JSON');
  }
  const parsed = form.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(
    ({ path, message }) => `\`${path.join('.') || '(top)'}\`: ${message.toLowerCase()}`,
  );
  throw new GenesisRefusedError(faults.join('; '));
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
