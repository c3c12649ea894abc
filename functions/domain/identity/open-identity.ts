import { constitutionKey } from '../constitution/keys.ts';
import { withoutProof } from '../constitution/constitution.ts';
import { digestJson } from '../content/digest-json.ts';
import type { NewId, Now } from '../call.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute, VerifyCompute } from '../ports/compute.ts';
import type { KeyRole, Keys, PublicKey } from '../ports/keys.ts';
import type { Table } from '../ports/table.ts';
import { adoptGenesis } from './adopt-genesis.ts';
import { firstRows, signedBy, signFirstDocuments } from './first-documents.ts';
import type { Genesis } from './genesis.ts';
import { IdentityBrokenError } from './identity-broken.ts';
import { delegationKey, documentKey, documentRange, nodeKey } from './keys.ts';
import { listedKeys } from './node-document.ts';
import { makeSessions, type Session } from './sessions.ts';

/** Who this node is, under which rules it acts, and the key that signs for it right now. */
export interface Identity {
  /** `did:key` of the first root key; never changes. */
  readonly node_id: string;
  /** Newest node document, with its proof. */
  readonly document: JsonObject;
  readonly constitution: JsonObject;
  readonly constitution_version: number;
  /** SHA-256 of the constitution's canonical form without its proof, lower-case hex. */
  readonly con: string;
  /** True when this start made the identity. */
  readonly is_new: boolean;
  /** The session that signs now; renewed when less than `limits.session_renew_below_s` are left by the wall clock. */
  session(): Promise<Session>;
  /** A fresh session at once: for when the adapter that held the key was swapped. */
  renewSession(): Promise<Session>;
  /** What an offline verifier needs of a session, old ones too. */
  delegation(id: string): Promise<{ readonly envelope: string; readonly document: JsonObject } | undefined>;
}

export interface IdentityFacts {
  readonly table: Table;
  readonly keys: Keys;
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
  readonly now: Now;
  readonly newId: NewId;
  /** Public prefix of the log without scheme; absent, the log is named after the node. Taken at the first start only. */
  readonly origin?: string;
  /** Where the root key is elsewhere: what an empty table begins with, and whether its owner is alone. */
  readonly genesis?: Genesis;
  readonly single_user?: boolean;
}

/**
 * Opens the node's identity. The first start adopts the genesis it is given; without one it makes root and issuer keys,
 * node document 0 and constitution 1, and keeps them in one transaction; a start that died before it finds its keys
 * again and goes on. Later starts load what is kept and verify every proof: a changed row stops the start with
 * `IdentityBrokenError`. A session is made when the first one asks for it.
 */
export async function openIdentity(facts: IdentityFacts): Promise<Identity> {
  const { genesis, single_user = true } = facts;
  const { node_id, is_new } = await (genesis === undefined
    ? ownIdentity(facts)
    : adoptGenesis({ ...facts, genesis, single_user }));
  const root = await rootKeyOf(facts, node_id);
  const [document, { constitution, con }] = await Promise.all([
    loadDocument(facts, { node_id, root }),
    loadConstitution(facts, root),
  ]);
  const issuer = await issuerOf(facts, document);
  const sessions = makeSessions({ ...facts, node_id, con, issuer, document_seq: document['seq'] as number });

  return {
    node_id,
    document,
    constitution,
    constitution_version: constitution['version'] as number,
    con,
    is_new,
    session: () => sessions.session(),
    renewSession: () => sessions.renewSession(),
    async delegation(id) {
      const row = await facts.table.get(delegationKey(node_id, id), facts.now());
      if (row === undefined) return undefined;
      const envelope = row['envelope'];
      const seq = row['document_seq'];
      if (typeof envelope !== 'string' || typeof seq !== 'number') return undefined;
      if (seq === document['seq']) return { envelope, document };
      const older = (await facts.table.get(documentKey(node_id, seq), facts.now()))?.['document'];
      return isObject(older) ? { envelope, document: older } : undefined;
    },
  };
}

async function ownIdentity(facts: IdentityFacts): Promise<{ node_id: string; is_new: boolean }> {
  const pointer = await facts.table.get(nodeKey(), facts.now());
  if (pointer === undefined) await makeIdentity(facts);
  const node_id = pointer?.['node_id'] ?? (await facts.table.get(nodeKey(), facts.now()))?.['node_id'];
  if (typeof node_id !== 'string') {
    throw new IdentityBrokenError('expected the id of this node in the table, found none; restore it from a backup');
  }
  return { node_id, is_new: pointer === undefined };
}

async function makeIdentity({ table, keys, now, origin }: IdentityFacts): Promise<void> {
  const held = await keys.list();
  const keyOf = async (role: KeyRole): Promise<PublicKey> =>
    held.find((key) => key.role === role) ?? (await keys.create(role));
  const root = await keyOf('root');
  const issuer = await keyOf('issuer');
  const documents = await signFirstDocuments({
    keys,
    root,
    issuer,
    now: now(),
    ...(origin === undefined ? {} : { origin }),
  });
  const written = await table.transact(firstRows(documents), now());
  // Operation 0 refused: another process was first, and its identity is the one to load.
  if (written.kind === 'refused' && written.operation !== 0) {
    throw new IdentityBrokenError(
      'expected an empty home, found a node document or constitution without the row that names the node; restore the table from a backup',
    );
  }
}

async function rootKeyOf({ verify }: IdentityFacts, node_id: string): Promise<Uint8Array> {
  const [root] = await verify.decodeKeyIds([node_id]);
  if (root === undefined || !root.ok) {
    throw new IdentityBrokenError(
      `expected a did:key as the id of this node, found \`${node_id.slice(0, 80)}\`; restore the table from a backup`,
    );
  }
  return root.public_key;
}

async function loadDocument(
  { table, verify, digest, now }: IdentityFacts,
  { node_id, root }: { node_id: string; root: Uint8Array },
): Promise<JsonObject> {
  const { rows } = await table.query({ ...documentRange(node_id), limit: 1000 }, now());
  const chain = rows.map((row) => row.item['document']).filter(isObject);
  const newest = chain.at(-1);
  if (newest === undefined || chain.length !== rows.length) {
    throw new IdentityBrokenError(`expected the document chain of \`${node_id}\`, found none; restore the table`);
  }
  const proofs = await verify.verifyDocuments(chain.map((document) => signedBy(document, root)));
  const digests = await digestJson(digest, chain);
  for (const [seq, document] of chain.entries()) {
    const isLinked = seq === 0 ? !('prev' in document) : document['prev'] === digests[seq - 1]?.sha256;
    if (document['id'] !== node_id || document['seq'] !== seq || !isLinked || proofs[seq]?.ok !== true) {
      throw new IdentityBrokenError(
        `node document ${seq} is not what the root key of \`${node_id}\` signed; restore the table from a backup`,
      );
    }
  }
  return newest;
}

async function loadConstitution(
  { table, verify, digest, now }: IdentityFacts,
  root: Uint8Array,
): Promise<{ constitution: JsonObject; con: string }> {
  // One page holds every version until there is a route that adopts another.
  const { rows } = await table.query({ pk: constitutionKey(1).pk, prefix: 'constitution#', limit: 1000 }, now());
  const constitution = rows.at(-1)?.item['constitution'];
  if (!isObject(constitution)) {
    throw new IdentityBrokenError('expected a constitution in the table, found none; restore it from a backup');
  }
  const [proof] = await verify.verifyDocuments([signedBy(constitution, root)]);
  if (proof?.ok !== true || constitution['version'] !== rows.length) {
    throw new IdentityBrokenError(
      `constitution ${rows.length} is not what the root key signed (\`${proof?.ok === false ? proof.code : 'version'}\`); restore the table from a backup`,
    );
  }
  const [digested] = await digestJson(digest, [withoutProof(constitution)]);
  if (digested === undefined) throw new Error('no digest of the constitution came back');
  return { constitution, con: digested.sha256 };
}

/**
 * The key that vouches for sessions. The only one that a genesis lists is taken at its word, so that a cold start need not
 * ask who holds it: without the private half there will be no session.
 */
async function issuerOf({ keys, verify, genesis }: IdentityFacts, document: JsonObject): Promise<PublicKey> {
  const listed = listedKeys(document)
    .filter((key) => key.role === 'issuer' && !key.revoked)
    .map((key) => key.key_id);
  const [only] = listed;
  if (genesis !== undefined && only !== undefined && listed.length === 1) {
    const [decoded] = await verify.decodeKeyIds([only]);
    if (decoded?.ok === true) {
      return { key_id: only, role: 'issuer', public_key: decoded.public_key, custody: 'kms' };
    }
  }
  const issuer = (await keys.list()).find((key) => key.role === 'issuer' && listed.includes(key.key_id));
  if (issuer === undefined) {
    throw new IdentityBrokenError(
      `expected the private half of an issuer key that the node document lists among the key files, found none; restore \`identities/\` from a backup`,
    );
  }
  return issuer;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
