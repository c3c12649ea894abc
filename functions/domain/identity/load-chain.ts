import type { Now } from '../call.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute, VerifyCompute } from '../ports/compute.ts';
import type { Table } from '../ports/table.ts';
import { verifyChain } from './document-chain.ts';
import { IdentityBrokenError } from './identity-broken.ts';
import { documentRange } from './keys.ts';

export interface ChainFacts {
  readonly table: Table;
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
  readonly now: Now;
}

/** Every node document in order, each verified by the rule that strangers apply. Throws `IdentityBrokenError`. */
export async function loadChain(
  { table, verify, digest, now }: ChainFacts,
  node_id: string,
): Promise<readonly JsonObject[]> {
  if (!/^did:key:z[1-9A-HJ-NP-Za-km-z]{20,80}$/.test(node_id)) {
    throw new IdentityBrokenError(
      `expected a did:key as the id of this node, found \`${node_id.slice(0, 80)}\`; restore the table from a backup`,
    );
  }
  const { rows } = await table.query({ ...documentRange(node_id), limit: 1000 }, now());
  const documents = rows.map((row) => row.item['document']).filter(isObject);
  if (documents.length === 0 || documents.length !== rows.length) {
    throw new IdentityBrokenError(`expected the document chain of \`${node_id}\`, found none; restore the table`);
  }
  const judged = await verifyChain({ documents, node_id, verify, digest });
  if (!judged.ok) {
    throw new IdentityBrokenError(
      `node document ${judged.seq} is not what the root key of \`${node_id}\` signed (${judged.detail}); restore the table from a backup`,
    );
  }
  return documents;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
