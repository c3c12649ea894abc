import { firstConstitution } from '../constitution/constitution.ts';
import { constitutionKey } from '../constitution/keys.ts';
import type { JsonObject } from '../json.ts';
import type { VerifyCompute } from '../ports/compute.ts';
import type { Keys, PublicKey } from '../ports/keys.ts';
import type { Operation } from '../ports/table.ts';
import { addKey } from './document-changes.ts';
import { documentKey, nodeKey } from './keys.ts';
import { firstNodeDocument, nodeIdOf, rfc3339, verificationMethodId } from './node-document.ts';

/** What a node begins with: document 0 and constitution 1, signed by its root key. */
export interface FirstDocuments {
  readonly node_id: string;
  readonly document: JsonObject;
  readonly constitution: JsonObject;
}

/** A key of the log that is there from the first; without one the node has no log until a later document lists a key. */
export interface FirstLogKey {
  readonly key: PublicKey;
  /** Verifier key text of `key` under the log's name. */
  readonly vkeyOf: (named: { origin: string; key: PublicKey }) => Promise<string>;
}

/** Signs them with `root`, whose private half `keys` holds. */
export async function signFirstDocuments(request: {
  keys: Keys;
  root: PublicKey;
  issuer: PublicKey;
  now: number;
  log?: FirstLogKey;
  /** Public prefix of the log without scheme; absent, the log is named after the node. */
  origin?: string;
}): Promise<FirstDocuments> {
  const { keys, root, issuer, log, now, origin } = request;
  const node_id = nodeIdOf(root.key_id);
  const created = rfc3339(now);
  const sign = (document: JsonObject): Promise<JsonObject> =>
    keys.signDocument({
      key_id: root.key_id,
      verification_method: verificationMethodId(node_id, root.key_id),
      document,
      created,
    });
  const unlogged = firstNodeDocument({
    root,
    issuer,
    not_before: created,
    ...(origin === undefined ? {} : { origin }),
  });
  const document = log === undefined ? unlogged : await withLogKey(unlogged, log, now);
  return {
    node_id,
    document: await sign(document),
    constitution: await sign(firstConstitution(Math.floor(now / 1000))),
  };
}

async function withLogKey(document: JsonObject, { key, vkeyOf }: FirstLogKey, now: number): Promise<JsonObject> {
  if (key.role !== 'log') throw new TypeError(`expected a key of role \`log\`, got \`${key.role}\``);
  const { origin } = document['log'] as { readonly origin: string };
  return addKey({ key, now, vkey: await vkeyOf({ origin, key }) })(document);
}

/**
 * Writes them where there are none; operation 0 is refused when another process was first.
 * @param genesis digest of the genesis file that they come from; a node that made itself has none
 */
export function firstRows({ node_id, document, constitution }: FirstDocuments, genesis?: string): readonly Operation[] {
  const conditions = [{ kind: 'absent' }] as const;
  const node = { node_id, ...(genesis === undefined ? {} : { genesis }) };
  return [
    { kind: 'put', key: nodeKey(), item: node, conditions },
    { kind: 'put', key: documentKey(node_id, 0), item: { document }, conditions },
    { kind: 'put', key: constitutionKey(1), item: { constitution }, conditions },
  ];
}

/** A document as `verifyDocuments` takes it. */
export function signedBy(document: JsonObject, public_key: Uint8Array): SignedDocument {
  return { document_json: new TextEncoder().encode(JSON.stringify(document)), public_key };
}

type SignedDocument = Parameters<VerifyCompute['verifyDocuments']>[0][number];
