import { creation, ownerScopes } from '../api-keys/stored-key.ts';
import type { Now } from '../call.ts';
import { digestJson } from '../content/digest-json.ts';
import type { DigestCompute } from '../ports/compute.ts';
import type { Item, Table } from '../ports/table.ts';
import { firstRows } from './first-documents.ts';
import type { Genesis } from './genesis.ts';
import { IdentityBrokenError } from './identity-broken.ts';
import { nodeKey } from './keys.ts';

/**
 * Lets an empty table begin with `genesis`: node document, constitution and the owner's API key in one transaction. Many
 * may do it at once, one wins, and for all it is the same. A table that began with anything else stops the start with
 * `IdentityBrokenError`.
 * @param genesis as `readGenesis` answered it: verified
 */
export async function adoptGenesis({
  genesis,
  table,
  digest,
  now,
  single_user,
}: {
  genesis: Genesis;
  table: Table;
  digest: DigestCompute;
  now: Now;
  /** One person is maker, user and approver: the owner's key may then also decide approvals. */
  single_user: boolean;
}): Promise<{ readonly node_id: string; readonly is_new: boolean }> {
  const node_id = genesis.node_document.id;
  const [digests] = await digestJson(digest, [{ ...genesis }]);
  if (digests === undefined) throw new Error('no digest of the genesis came back');
  const { sha256 } = digests;

  const kept = await table.get(nodeKey(), now());
  if (kept !== undefined) {
    assertSame(kept, { node_id, sha256 });
    return { node_id, is_new: false };
  }
  const owner = {
    ...genesis.owner_key,
    tenant: 'default',
    scopes: ownerScopes({ single_user }),
    created: Math.floor(Date.parse(genesis.created_at) / 1000),
    unlimited_rate: false,
  };
  const documents = { node_id, document: genesis.node_document, constitution: genesis.constitution };
  const written = await table.transact([...firstRows(documents, sha256), ...creation(owner)], now());
  if (written.kind === 'written') return { node_id, is_new: true };
  if (written.operation !== 0 || written.current === undefined) {
    throw new IdentityBrokenError(
      'expected an empty table, found rows of a node without the row that names it; restore the table from a backup',
    );
  }
  assertSame(written.current, { node_id, sha256 });
  return { node_id, is_new: false };
}

function assertSame(kept: Item, { node_id, sha256 }: { node_id: string; sha256: string }): void {
  if (kept['node_id'] !== node_id) {
    throw new IdentityBrokenError(
      `expected the table of node \`${node_id}\`, found that of ${JSON.stringify(kept['node_id'])}; deploy with the genesis of that node, or with an empty table`,
    );
  }
  if (kept['genesis'] !== sha256) {
    throw new IdentityBrokenError(
      `expected the genesis that the node began with (sha256 ${JSON.stringify(kept['genesis'])}), got another (${sha256}); deploy with the first one`,
    );
  }
}
