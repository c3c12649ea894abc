import type { NewId, Now } from '../call.ts';
import { digestJson } from '../content/digest-json.ts';
import type { DigestCompute } from '../ports/compute.ts';
import type { Table } from '../ports/table.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { documentType } from '../receipts/statement-types.ts';
import { adoptionKey } from './keys.ts';
import type { Identity } from './open-identity.ts';

/**
 * Writes the entry that says which node document and constitution this node adopted, once for each pair; answers its
 * receipt when this call wrote it. A node that dies between entry and mark writes it again: twice true is still true.
 */
export async function logAdoption({
  table,
  receipts,
  identity,
  digest,
  now,
  newId,
}: {
  table: Table;
  receipts: Receipts;
  identity: Identity;
  digest: DigestCompute;
  now: Now;
  newId: NewId;
}): Promise<string | undefined> {
  const { node_id, document, constitution, constitution_version } = identity;
  const seq = Number(document['seq']);
  const key = adoptionKey(node_id, { seq, constitution_version });
  if ((await table.get(key, now())) !== undefined) return undefined;
  const [ofDocument, ofConstitution] = await digestJson(digest, [document, constitution]);
  if (ofDocument === undefined || ofConstitution === undefined) throw new Error('a digest did not come back');
  const receipt = await receipts.append(
    { request_id: newId(), nextStatement: () => 0 },
    {
      subject: [
        { name: 'document', digest: { sha256: ofDocument.sha256, blake3: ofDocument.blake3 } },
        { name: 'constitution', digest: { sha256: ofConstitution.sha256, blake3: ofConstitution.blake3 } },
      ],
      predicate_type: documentType,
      predicate: { document_seq: seq, constitution_version },
    },
  );
  await table.write({ kind: 'put', key, item: { receipt } }, now());
  return receipt;
}
