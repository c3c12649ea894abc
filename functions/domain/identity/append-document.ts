import { withoutProof } from '../constitution/constitution.ts';
import { constitutionKey } from '../constitution/keys.ts';
import type { Now } from '../call.ts';
import { digestJson } from '../content/digest-json.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute, VerifyCompute } from '../ports/compute.ts';
import type { Keys } from '../ports/keys.ts';
import type { Operation, Table } from '../ports/table.ts';
import { currentRoots, newRoots, verifyChain } from './document-chain.ts';
import type { DocumentChange } from './document-changes.ts';
import { IdentityBrokenError } from './identity-broken.ts';
import { documentKey } from './keys.ts';
import { idOf, rfc3339, verificationMethodId } from './node-document.ts';

/** The chain has grown meanwhile: read it again and decide anew. */
export class DocumentConflictError extends Error {
  override readonly name = 'DocumentConflictError';
}

/** The root key is not here (in the cloud it stays with its owner), so no document can be signed here. */
export class RootElsewhereError extends Error {
  override readonly name = 'RootElsewhereError';
}

export interface AppendFacts {
  readonly table: Table;
  readonly keys: Keys;
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
  readonly now: Now;
}

/**
 * Writes the next document of a node: `seq` and `prev` of it, the proofs of a current root key and of each root key that
 * it adds. The chain with it is verified by the rule that every stranger applies before it is written; of two appends at
 * once one wins, the other throws `DocumentConflictError`. Where a root key is added, it signs the constitution too, which
 * keeps its digest: so the rules outlive the key that adopted them.
 */
export async function appendDocument(
  { table, keys, verify, digest, now }: AppendFacts,
  request: {
    chain: readonly JsonObject[];
    constitution: JsonObject;
    change: DocumentChange;
    /** Throws for a document by which this node could not act. */
    assertUsable: (document: JsonObject) => Promise<unknown>;
  },
): Promise<{ readonly document: JsonObject; readonly constitution: JsonObject }> {
  const { chain, change } = request;
  const newest = chain.at(-1);
  if (newest === undefined) throw new IdentityBrokenError('expected a document chain to append to, found none');
  const node_id = idOf(newest);
  const [before] = await digestJson(digest, [newest]);
  if (before === undefined) throw new Error('no digest of the newest document came back');
  const held = new Set((await keys.list('root')).map(({ key_id }) => key_id));
  const signer = currentRoots(newest).find((key_id) => held.has(key_id));
  if (signer === undefined) throw new RootElsewhereError('no current root key of this node is here');

  const seq = chain.length;
  const unsigned = { ...change(withoutProof(newest)), seq, prev: before.sha256 };
  await request.assertUsable(unsigned);
  const added = newRoots(newest, unsigned);
  const created = rfc3339(now());
  const signedWith = async (document: JsonObject, key_ids: readonly string[]): Promise<JsonObject> => {
    let signed = document;
    for (const key_id of key_ids) {
      const verification_method = verificationMethodId(node_id, key_id);
      signed = await keys.signDocument({ key_id, verification_method, document: signed, created });
    }
    return signed;
  };
  const document = await signedWith(unsigned, [signer, ...added]);
  const judged = await verifyChain({ documents: [...chain, document], node_id, verify, digest });
  if (!judged.ok) throw new TypeError(`this is no next document: ${judged.detail}`);

  const constitution = await signedWith(request.constitution, added);
  const operations: Operation[] = [
    { kind: 'check', key: documentKey(node_id, seq - 1), conditions: [{ kind: 'exists' }] },
    { kind: 'put', key: documentKey(node_id, seq), item: { document }, conditions: [{ kind: 'absent' }] },
  ];
  if (added.length > 0) {
    const key = constitutionKey(Number(constitution['version']));
    operations.push({ kind: 'put', key, item: { constitution }, conditions: [{ kind: 'exists' }] });
  }
  const written = await table.transact(operations, now());
  if (written.kind === 'refused') throw new DocumentConflictError(`node document ${seq} was written meanwhile`);
  return { document, constitution };
}
