import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Now } from '../call.ts';
import type { JsonObject } from '../json.ts';
import type { Keys, PublicKey } from '../ports/keys.ts';
import { addKey, allOf, retireKey, revokeKey, type DocumentChange } from './document-changes.ts';
import { listedKeys, rfc3339, type ListedKey } from './node-document.ts';
import type { Identity } from './open-identity.ts';

/** Roles of the node document whose keys are made here. */
export type NodeKeyRole = 'root' | 'issuer' | 'log';

export interface NodeKeys {
  /** A new key of the role takes over; the old one's end is 24 h away, that of a log key 30 days. */
  rotate(role: NodeKeyRole): Promise<ChangedKeys>;
  /**
   * Takes a listed key back without overlap, from the next entry of the log on; a key in use gets a successor in the same
   * document. Throws `UnknownKeyError` for one that is not listed, or was taken back before.
   */
  revoke(key_id: string): Promise<ChangedKeys>;
}

export interface ChangedKeys {
  readonly document: JsonObject;
  readonly role: string;
  /** The key that signs from now on; absent when one was revoked that signed no more. */
  readonly successor?: string;
  /** Receipt of the entry by which the ledger knows the document; absent if it knew it. */
  readonly receipt?: string;
}

/** No such key is listed, or it was revoked before. */
export class UnknownKeyError extends Error {
  override readonly name = 'UnknownKeyError';
}

export interface NodeKeysOptions {
  readonly identity: Pick<Identity, 'document' | 'appendDocument'>;
  readonly keys: Pick<Keys, 'create'>;
  /** Verifier key text of a log key. */
  readonly vkeyOf: (key: PublicKey) => Promise<string>;
  /** Entries in the log now; undefined where there is none, and then keys are taken back by time. */
  readonly logSize: () => Promise<number | undefined>;
  readonly logAdoption: () => Promise<string | undefined>;
  readonly now: Now;
}

/** Rotation and revocation are documents: each is appended, signed by a current root key, and named in the ledger. */
export function makeNodeKeys(options: NodeKeysOptions): NodeKeys {
  const { identity, keys, vkeyOf, logSize, logAdoption, now } = options;

  async function added(role: NodeKeyRole): Promise<{ key: PublicKey; change: DocumentChange }> {
    const key = await keys.create(role);
    const vkey = role === 'log' ? { vkey: await vkeyOf(key) } : {};
    return { key, change: addKey({ key, now: now(), ...vkey }) };
  }

  async function append(role: string, change: DocumentChange, successor?: string): Promise<ChangedKeys> {
    const document = await identity.appendDocument(change);
    const receipt = await logAdoption();
    return {
      document,
      role,
      ...(successor === undefined ? {} : { successor }),
      ...(receipt === undefined ? {} : { receipt }),
    };
  }

  return {
    async rotate(role) {
      const before = listedKeys(identity.document).filter((key) => key.role === role && isInUse(key));
      const overlap_s = role === 'log' ? limits.identities.log_overlap_s : limits.identities.overlap_s;
      const { key, change } = await added(role);
      const not_after = now() + overlap_s * 1000;
      const ends = before.map(({ key_id }) => retireKey({ key_id, not_after }));
      return append(role, allOf(change, ...ends), key.key_id);
    },

    async revoke(key_id) {
      const listed = listedKeys(identity.document).find((key) => key.key_id === key_id);
      if (listed === undefined) throw new UnknownKeyError(`the node document lists no key \`${key_id}\``);
      if (listed.revoked) throw new UnknownKeyError(`the key \`${key_id}\` was revoked before`);
      const revoked_at = (await logSize()) ?? rfc3339(now());
      const taken = revokeKey({ key_id, revoked_at });
      if (!isInUse(listed) || !isNodeKeyRole(listed.role)) return append(listed.role, taken);
      const { key, change } = await added(listed.role);
      return append(listed.role, allOf(change, taken), key.key_id);
    },
  };
}

function isInUse({ not_after, revoked }: ListedKey): boolean {
  return not_after === undefined && !revoked;
}

function isNodeKeyRole(role: string): role is NodeKeyRole {
  return role === 'root' || role === 'issuer' || role === 'log';
}
