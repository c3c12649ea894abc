import { constitutionKey } from '../constitution/keys.ts';
import { withoutProof } from '../constitution/constitution.ts';
import { digestJson } from '../content/digest-json.ts';
import type { NewId, Now } from '../call.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute, VerifyCompute } from '../ports/compute.ts';
import type { KeyRole, Keys, PublicKey, SealedEnvelope } from '../ports/keys.ts';
import { revocationType, statementPayloadType, statementType } from '../receipts/statement-types.ts';
import type { Put, Row, Table } from '../ports/table.ts';
import { adoptConstitution, type KnownObjects, type RunningConstitution } from './adopt-constitution.ts';
import { adoptGenesis } from './adopt-genesis.ts';
import { appendDocument, DocumentConflictError } from './append-document.ts';
import { delegate } from './delegate.ts';
import { currentRoots } from './document-chain.ts';
import type { DocumentChange } from './document-changes.ts';
import { firstRows, signedBy, signFirstDocuments } from './first-documents.ts';
import type { Genesis } from './genesis.ts';
import { IdentityBrokenError } from './identity-broken.ts';
import { loadChain } from './load-chain.ts';
import { delegationKey, documentKey, nodeKey } from './keys.ts';
import { listedKeys } from './node-document.ts';
import { backdated_s, makeSessions, type Session } from './sessions.ts';
import { registration } from './signing-keys.ts';

/** Who this node is, under which rules it acts, and the key that signs for it right now. */
export interface Identity {
  /** `did:key` of the first root key; never changes. */
  readonly node_id: string;
  /** Newest node document, with its proofs. */
  readonly document: JsonObject;
  /** Every node document in order, the newest last: what a stranger needs to judge the newest by the node id alone. */
  readonly chain: readonly JsonObject[];
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
  /**
   * Writes the next node document and acts by it from then on; a document that ends or revokes the issuer key in use begins
   * a session by its successor. Throws `DocumentConflictError`, and `RootElsewhereError` where the root key is not here.
   */
  appendDocument(change: DocumentChange): Promise<JsonObject>;
  /**
   * The next constitution, signed by a root key or to be signed by the one that is here; the node acts by it from then on,
   * with a session that names it. Throws `ConstitutionNotAdoptedError` or `ConstitutionRefusedError`, and then the running
   * one goes on; `RootElsewhereError` where nothing is signed and the root key is not here.
   */
  adoptConstitution(offered: JsonObject, known: KnownObjects): Promise<RunningConstitution>;
  /** The issuer key vouches for a key of a caller: what it may sign, and until when. Kept with those of the sessions. */
  delegate(request: {
    key: PublicKey;
    kinds: readonly string[];
    seconds: number;
  }): Promise<{ readonly id: string; readonly nbf: number; readonly naf: number; readonly rows: readonly Put[] }>;
  /** The issuer key takes back what it vouched for: the envelope of the revocation. */
  revoke(request: { key_id: string; delegation: string }): Promise<SealedEnvelope>;
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
  const [chain, constitutions] = await Promise.all([loadChain(facts, node_id), loadConstitutions(facts)]);
  const { constitution, con } = await judgeConstitution(facts, constitutions, chain);
  const state = { chain, constitution, con, issuer: await issuerOf(facts, newestOf(chain)) };
  const sessions = makeSessions({
    ...facts,
    node_id,
    con: () => state.con,
    acting: () => ({ issuer: state.issuer, document_seq: state.chain.length - 1 }),
  });

  return {
    node_id,
    get document() {
      return newestOf(state.chain);
    },
    get chain() {
      return state.chain;
    },
    get constitution() {
      return state.constitution;
    },
    get constitution_version() {
      return state.constitution['version'] as number;
    },
    get con() {
      return state.con;
    },
    is_new,
    session: () => sessions.session(),
    renewSession: () => sessions.renewSession(),
    async appendDocument(change) {
      const appended = await appendDocument(facts, {
        chain: state.chain,
        constitution: state.constitution,
        change,
        assertUsable: (document) => issuerOf(facts, document),
      }).catch(async (error: unknown) => {
        if (error instanceof DocumentConflictError) state.chain = await loadChain(facts, node_id);
        throw error;
      });
      const issuer = await issuerOf(facts, appended.document);
      const isOther = issuer.key_id !== state.issuer.key_id;
      state.chain = [...state.chain, appended.document];
      state.constitution = appended.constitution;
      state.issuer = issuer;
      if (isOther) await sessions.renewSession();
      return appended.document;
    },
    async adoptConstitution(offered, known) {
      const { chain: documents, constitution: before, con: prev } = state;
      const adopted = await adoptConstitution(facts, offered, {
        running: { constitution: before, con: prev },
        node_id,
        roots: currentRoots(newestOf(documents)),
        known,
      });
      state.constitution = adopted.constitution;
      state.con = adopted.con;
      await sessions.renewSession();
      return adopted;
    },
    async delegate({ key, kinds, seconds }) {
      const { issuer, con: rules } = state;
      const iat = Math.floor(facts.now() / 1000);
      const [nbf, naf] = [iat - backdated_s, iat - backdated_s + seconds];
      const { id, envelope } = await delegate(facts, {
        issuer,
        key,
        node_id,
        con: rules,
        kinds,
        window: { iat, nbf, naf },
      });
      const item = { envelope, key: key.key_id, nbf, naf, document_seq: state.chain.length - 1 };
      const { role, key_id } = key;
      const registered = registration({ key_id, owner: node_id, role, kinds, delegation: id, nbf, naf });
      return { id, nbf, naf, rows: [{ kind: 'put', key: delegationKey(node_id, id), item }, registered] };
    },
    revoke: ({ key_id, delegation }) =>
      facts.keys.sealEnvelope({
        key_id: state.issuer.key_id,
        payload_type: statementPayloadType,
        payload: {
          _type: statementType,
          subject: [{ name: key_id, digest: { blake3: delegation } }],
          predicateType: revocationType,
          predicate: {
            v: 1,
            iss: node_id,
            iat: Math.floor(facts.now() / 1000),
            con: state.con,
            req: facts.newId(),
            n: 0,
            key: key_id,
            delegation,
          },
        },
      }),
    async delegation(id) {
      const row = await facts.table.get(delegationKey(node_id, id), facts.now());
      if (row === undefined) return undefined;
      const envelope = row['envelope'];
      const seq = row['document_seq'];
      if (typeof envelope !== 'string' || typeof seq !== 'number') return undefined;
      const older = state.chain[seq] ?? (await facts.table.get(documentKey(node_id, seq), facts.now()))?.['document'];
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

function newestOf(chain: readonly JsonObject[]): JsonObject {
  const newest = chain.at(-1);
  if (newest === undefined) throw new Error('a chain has at least one document');
  return newest;
}

async function loadConstitutions({ table, now }: IdentityFacts): Promise<readonly Row[]> {
  // One page holds every version: they are made by hand.
  return (await table.query({ pk: constitutionKey(1).pk, prefix: 'constitution#', limit: 1000 }, now())).rows;
}

/** The newest one, signed by a root key that may sign documents now. */
async function judgeConstitution(
  { verify, digest }: IdentityFacts,
  rows: readonly Row[],
  chain: readonly JsonObject[],
): Promise<{ constitution: JsonObject; con: string }> {
  const constitution = rows.at(-1)?.item['constitution'];
  if (!isObject(constitution)) {
    throw new IdentityBrokenError('expected a constitution in the table, found none; restore it from a backup');
  }
  const roots = await verify.decodeKeyIds(currentRoots(newestOf(chain)));
  const proofs = await verify.verifyDocuments(
    roots.flatMap((root) => (root.ok ? [signedBy(constitution, root.public_key)] : [])),
  );
  if (!proofs.some((proof) => proof.ok) || constitution['version'] !== rows.length) {
    const [proof] = proofs;
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
  const issuers = listedKeys(document).filter((key) => key.role === 'issuer' && !key.revoked);
  // In its overlap an old key still vouches for what it signed, and for nothing new.
  const listed = issuers.filter((key) => key.not_after === undefined).map((key) => key.key_id);
  const [only] = listed;
  if (genesis !== undefined && only !== undefined && listed.length === 1) {
    const [decoded] = await verify.decodeKeyIds([only]);
    if (decoded?.ok === true) {
      return { key_id: only, role: 'issuer', public_key: decoded.public_key, custody: 'kms' };
    }
  }
  const issuer = (await keys.list('issuer')).find((key) => listed.includes(key.key_id));
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
