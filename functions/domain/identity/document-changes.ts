import type { JsonObject } from '../json.ts';
import type { PublicKey } from '../ports/keys.ts';
import { idOf, rfc3339, verificationMethodId } from './node-document.ts';

/** What the next node document says differently; it gets the newest one without its proofs. */
export type DocumentChange = (document: JsonObject) => JsonObject;

/**
 * Lists one key more, valid from `now`. A root key must sign the document that adds it, so `keys` has to hold it.
 * @param vkey for a `log` key: the verifier key of its checkpoints (`<origin>+<key id>+<base64>`), listed under `log.vkeys`
 */
export function addKey({ key, now, vkey }: { key: PublicKey; now: number; vkey?: string }): DocumentChange {
  return (document) => {
    const method = {
      id: verificationMethodId(idOf(document), key.key_id),
      type: 'Multikey',
      controller: idOf(document),
      publicKeyMultibase: key.key_id,
      role: key.role,
      custody: key.custody,
      notBefore: rfc3339(now),
    };
    const listed = { ...document, verificationMethod: [...methodsOf(document), method] };
    if (vkey === undefined) return listed;
    const log = (document['log'] ?? {}) as JsonObject;
    const vkeys = Array.isArray(log['vkeys']) ? (log['vkeys'] as readonly string[]) : [];
    return { ...listed, log: { ...log, vkeys: [...vkeys, vkey] } };
  };
}

/** Gives a key its end: what it signs until then holds. */
export function retireKey({ key_id, not_after }: { key_id: string; not_after: number }): DocumentChange {
  return changeKey(key_id, { notAfter: rfc3339(not_after) });
}

/**
 * Takes a key back without overlap. `revoked_at` is the ledger index from which its signatures are refused; while there is
 * no log it is a time, RFC 3339, and then what the key signed is refused by the time that it states.
 */
export function revokeKey({ key_id, revoked_at }: { key_id: string; revoked_at: number | string }): DocumentChange {
  return changeKey(key_id, { revokedAt: revoked_at });
}

/** Several changes in one document. */
export function allOf(...changes: readonly DocumentChange[]): DocumentChange {
  return (document) => changes.reduce((changed, change) => change(changed), document);
}

function changeKey(key_id: string, members: JsonObject): DocumentChange {
  return (document) => ({
    ...document,
    verificationMethod: methodsOf(document).map((method) =>
      method['publicKeyMultibase'] === key_id ? { ...method, ...members } : method,
    ),
  });
}

function methodsOf(document: JsonObject): readonly JsonObject[] {
  const methods = document['verificationMethod'];
  return Array.isArray(methods) ? (methods as readonly JsonObject[]) : [];
}
