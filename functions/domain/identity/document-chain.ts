import { digestJson, NotCanonicalError } from '../content/digest-json.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute, VerifyCompute } from '../ports/compute.ts';
import { signedBy } from './first-documents.ts';
import { listedKeys, rootKeyIdOf } from './node-document.ts';

/** The first document that breaks the chain, and how. */
export interface ChainFault {
  readonly seq: number;
  /** `schema.mismatch`, or a code of the proof that does not hold (`sig.*`, `key.*`, `envelope.shape`). */
  readonly code: string;
  readonly detail: string;
}

export type JudgedChain =
  | {
      readonly ok: true;
      /** SHA-256 of each document with its proofs, lower-case hex, in order. */
      readonly sha256: readonly string[];
    }
  | ({ readonly ok: false } & ChainFault);

/**
 * Judges documents 0 to n of a node by nothing but its id. Each must follow from the one before: `seq` counts up, `prev` is
 * its digest, a root key that it lists as current has signed, and so has every root key that is new. What was listed stays
 * listed: a key may be given an end and may be revoked, once, and nothing else of it changes. So the newest document tells
 * of every key that ever acted.
 */
export async function verifyChain({
  documents,
  node_id,
  verify,
  digest,
}: {
  documents: readonly JsonObject[];
  node_id: string;
  verify: VerifyCompute;
  digest: DigestCompute;
}): Promise<JudgedChain> {
  if (documents.length === 0) return { ok: false, seq: 0, code: 'schema.mismatch', detail: 'there is no document' };
  const digests = await digestJson(digest, documents).catch(notCanonical);
  if ('code' in digests) return digests;
  for (const [seq, document] of documents.entries()) {
    const before = documents[seq - 1];
    const fault =
      faultOfPlace(document, { seq, node_id, prev: digests[seq - 1]?.sha256 }) ??
      (before === undefined ? undefined : faultOfKeys(before, document));
    if (fault !== undefined) return { ok: false, seq, code: 'schema.mismatch', detail: fault };
    const unsigned = await faultOfProofs(document, { before, node_id, verify });
    if (unsigned !== undefined) return { ok: false, seq, ...unsigned };
  }
  return { ok: true, sha256: digests.map(({ sha256 }) => sha256) };
}

function notCanonical(error: unknown): { readonly ok: false } & ChainFault {
  if (!(error instanceof NotCanonicalError)) throw error;
  return { ok: false, seq: error.index, code: error.code, detail: 'has no canonical form' };
}

/** Root keys that may sign what follows `document`: those without an end, and not revoked. */
export function currentRoots(document: JsonObject): readonly string[] {
  return listedKeys(document)
    .filter(({ role, not_after, revoked }) => role === 'root' && not_after === undefined && !revoked)
    .map(({ key_id }) => key_id);
}

/** Root keys of `document` that `before` does not list. */
export function newRoots(before: JsonObject, document: JsonObject): readonly string[] {
  const known = new Set(listedKeys(before).map(({ key_id }) => key_id));
  return listedKeys(document)
    .filter(({ role, key_id }) => role === 'root' && !known.has(key_id))
    .map(({ key_id }) => key_id);
}

function faultOfPlace(
  document: JsonObject,
  { seq, node_id, prev }: { seq: number; node_id: string; prev: string | undefined },
): string | undefined {
  if (document['id'] !== node_id) return 'speaks for another node';
  if (document['seq'] !== seq) return `expected \`seq\` ${seq}`;
  const isLinked = seq === 0 ? !('prev' in document) : prev !== undefined && document['prev'] === prev;
  return isLinked ? undefined : '`prev` is not the digest of the document before';
}

/** What a later document says of a key that was listed before; members whose change needs no trust in the key itself. */
const mayChange = new Set(['notAfter', 'revokedAt']);

function faultOfKeys(before: JsonObject, document: JsonObject): string | undefined {
  const later = methodsById(document);
  if (later === undefined) return 'lists a key twice, or one that cannot be read';
  for (const [id, method] of methodsById(before) ?? []) {
    const now = later.get(id);
    if (now === undefined) return `no longer lists \`${id}\``;
    for (const name of new Set([...Object.keys(method), ...Object.keys(now)])) {
      const isSame = JSON.stringify(method[name]) === JSON.stringify(now[name]);
      if (isSame) continue;
      if (!mayChange.has(name) || now[name] === undefined) return `changes \`${name}\` of \`${id}\``;
      if (name === 'revokedAt' && method[name] !== undefined) return `revokes \`${id}\` a second time`;
    }
  }
  return currentRoots(document).length === 0 ? 'leaves no root key that could sign the next one' : undefined;
}

/** Undefined where an entry cannot be read or two are of one key. */
function methodsById(document: JsonObject): ReadonlyMap<string, JsonObject> | undefined {
  const methods = document['verificationMethod'];
  if (!Array.isArray(methods) || listedKeys(document).length !== methods.length) return undefined;
  const byId = new Map(
    (methods as readonly JsonObject[]).map((method) => [method['publicKeyMultibase'] as string, method] as const),
  );
  return byId.size === methods.length ? byId : undefined;
}

async function faultOfProofs(
  document: JsonObject,
  { before, node_id, verify }: { before: JsonObject | undefined; node_id: string; verify: VerifyCompute },
): Promise<Pick<ChainFault, 'code' | 'detail'> | undefined> {
  const anyOf = before === undefined ? [rootKeyIdOf(node_id)] : currentRoots(before);
  const allOf = before === undefined ? [] : newRoots(before, document);
  const outcomes = await proofsBy(verify, document, [...anyOf, ...allOf]);
  const signed = outcomes.slice(0, anyOf.length);
  if (!signed.includes('ok')) {
    return { code: signed[0] ?? 'key.unknown', detail: 'no root key that was current has signed it' };
  }
  const missing = outcomes.slice(anyOf.length).find((outcome) => outcome !== 'ok');
  return missing === undefined ? undefined : { code: missing, detail: 'a root key that it adds has not signed it' };
}

/** For each key `ok`, or the code why `document` carries no valid proof by it. */
async function proofsBy(
  verify: VerifyCompute,
  document: JsonObject,
  key_ids: readonly string[],
): Promise<readonly string[]> {
  const keys = await verify.decodeKeyIds(key_ids);
  const readable = keys.flatMap((key) => (key.ok ? [signedBy(document, key.public_key)] : []));
  const proofs = [...(await verify.verifyDocuments(readable))];
  return keys.map((key) => {
    if (!key.ok) return key.code;
    const proof = proofs.shift();
    return proof?.ok === true ? 'ok' : (proof?.code ?? 'sig.invalid');
  });
}
