import type { JsonObject } from '../json.ts';
import type { Key, Put, Table } from '../ports/table.ts';
import { idOf, listedKeys } from './node-document.ts';

/** A key as our own registry knows it: the only place that says for whom a key signs, and until when. */
export interface SigningKey {
  /** `z6Mk…` */
  readonly key_id: string;
  /** Id of the node that answers for it. */
  readonly owner: string;
  readonly role: string;
  /** What it may sign: predicate types of statements, kinds of messages, `text` and `payload`. */
  readonly kinds: readonly string[];
  /** Envelope id of the delegation by the issuer key; keys of the node document have none. */
  readonly delegation?: string;
  /** Unix seconds, inclusive. */
  readonly nbf: number;
  readonly naf: number;
  readonly is_revoked: boolean;
}

const keyIdForm = /^z6Mk[1-9A-HJ-NP-Za-km-z]{30,60}$/;

/** Where the registry keeps the key; the name in an envelope only picks the row. */
export function signingKeyRow(key_id: string): Key {
  return { pk: `signing-key#${key_id}`, sk: '-' };
}

/** Registers a delegated key; one that is `kept` stays for ever, another is forgotten a while after its end. */
export function registration(
  key: Omit<SigningKey, 'is_revoked' | 'delegation'> & { readonly delegation: string },
  more: JsonObject = {},
): Put {
  const { key_id, ...fields } = key;
  return { kind: 'put', key: signingKeyRow(key_id), item: { ...more, ...fields } };
}

/**
 * Looks a key up that an envelope names: among the delegated ones, then among those of the node document. Undefined for a
 * key that is nobody's here, whatever the name looks like.
 */
export async function findSigningKey(
  { table, now, document }: { table: Table; now: number; document: JsonObject },
  key_id: string,
): Promise<SigningKey | undefined> {
  if (!keyIdForm.test(key_id)) return undefined;
  const row = await table.get(signingKeyRow(key_id), now);
  if (row !== undefined) {
    const { owner, role, kinds, delegation, nbf, naf, revoked_at } = row;
    return {
      key_id,
      owner: owner as string,
      role: role as string,
      kinds: kinds as readonly string[],
      delegation: delegation as string,
      nbf: Number(nbf),
      naf: Number(naf),
      is_revoked: revoked_at !== undefined,
    };
  }
  const listed = listedKeys(document).find((key) => key.key_id === key_id);
  if (listed === undefined) return undefined;
  return {
    key_id,
    owner: idOf(document),
    role: listed.role,
    kinds: [],
    nbf: listed.not_before,
    naf: listed.not_after ?? Number.MAX_SAFE_INTEGER,
    is_revoked: listed.revoked,
  };
}
