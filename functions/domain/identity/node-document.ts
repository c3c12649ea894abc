import type { JsonObject } from '../json.ts';
import type { PublicKey } from '../ports/keys.ts';

/**
 * Node document 0: who this node is and which keys act for it, before the root key has signed it.
 * The node id is the `did:key` of the first root key and never changes.
 */
export function firstNodeDocument(facts: {
  root: PublicKey;
  issuer: PublicKey;
  /** RFC 3339, seconds. */
  not_before: string;
  /** Public prefix of the log without scheme; absent, the log is named after the node. */
  origin?: string;
}): JsonObject {
  const node_id = nodeIdOf(facts.root.key_id);
  return {
    '@context': ['https://www.w3.org/ns/cid/v1', 'https://w3id.org/security/data-integrity/v2'],
    id: node_id,
    seq: 0,
    verificationMethod: [facts.root, facts.issuer].map((key) => ({
      id: verificationMethodId(node_id, key.key_id),
      type: 'Multikey',
      controller: node_id,
      publicKeyMultibase: key.key_id,
      role: key.role,
      custody: key.custody,
      notBefore: facts.not_before,
    })),
    service: [],
    log: { origin: facts.origin ?? `signet/${facts.root.key_id}`, vkeys: [] },
  };
}

export function nodeIdOf(root_key_id: string): string {
  return `did:key:${root_key_id}`;
}

/** Who a document says that it is of; no text, nobody. */
export function idOf(document: JsonObject): string {
  const id = document['id'];
  return typeof id === 'string' ? id : '';
}

/** Of the first root key, which the id of its node is. */
export function rootKeyIdOf(node_id: string): string {
  return node_id.slice('did:key:'.length);
}

export function verificationMethodId(node_id: string, key_id: string): string {
  return `${node_id}#${key_id}`;
}

/** A key as a node document lists it. */
export interface ListedKey {
  readonly key_id: string;
  readonly role: string;
  /** Unix seconds. */
  readonly not_before: number;
  readonly not_after?: number;
  readonly revoked: boolean;
  /** Ledger index from which its signatures are refused, or Unix seconds where the node had no log. */
  readonly revoked_at?: { readonly index: number } | { readonly time: number };
}

/** The keys that a document lists; an entry that cannot be read is left out, so it can vouch for nothing. */
export function listedKeys(document: JsonObject): readonly ListedKey[] {
  const methods = document['verificationMethod'];
  if (!Array.isArray(methods)) return [];
  return methods.flatMap((method: unknown) => {
    if (typeof method !== 'object' || method === null) return [];
    const { publicKeyMultibase, role, notBefore, notAfter, revokedAt, controller } = method as Record<string, unknown>;
    const not_before = unixSeconds(notBefore);
    const not_after = notAfter === undefined ? undefined : unixSeconds(notAfter);
    if (typeof publicKeyMultibase !== 'string' || typeof role !== 'string') return [];
    if (controller !== document['id'] || not_before === undefined) return [];
    if (notAfter !== undefined && not_after === undefined) return [];
    return [
      {
        key_id: publicKeyMultibase,
        role,
        not_before,
        ...(not_after === undefined ? {} : { not_after }),
        ...revocation(revokedAt),
      },
    ];
  });
}

/** A revocation that cannot be read revokes from the first entry on. */
function revocation(revokedAt: unknown): Pick<ListedKey, 'revoked' | 'revoked_at'> {
  if (revokedAt === undefined) return { revoked: false };
  const time = unixSeconds(revokedAt);
  if (time !== undefined) return { revoked: true, revoked_at: { time } };
  const isIndex = typeof revokedAt === 'number' && Number.isSafeInteger(revokedAt) && revokedAt >= 0;
  return { revoked: true, revoked_at: { index: isIndex ? revokedAt : 0 } };
}

function unixSeconds(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  const milliseconds = Date.parse(text);
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}

/** RFC 3339 in whole seconds. */
export function rfc3339(now_ms: number): string {
  return `${new Date(Math.floor(now_ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
}
