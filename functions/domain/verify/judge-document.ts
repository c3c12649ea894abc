import { verifyChain } from '../identity/document-chain.ts';
import { signedBy } from '../identity/first-documents.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute, VerifyCompute } from '../ports/compute.ts';

export type JudgedDocument =
  | {
      readonly ok: true;
      /** What tells of the keys as they stand now: the newest document that is known. */
      readonly newest: JsonObject;
      readonly detail: string;
    }
  | { readonly ok: false; readonly exit: 11 | 14; readonly code: string; readonly detail: string };

/**
 * Judges the node document of a receipt. With a pinned chain it must be a document of that chain, or the next one after it;
 * without, the root key that the node's own id is must have signed it, which holds until that key is rotated away.
 */
export async function judgeDocument({
  document,
  node_id,
  chain,
  verify,
  digest,
}: {
  document: JsonObject;
  node_id: string;
  chain: readonly JsonObject[] | undefined;
  verify: VerifyCompute;
  digest: DigestCompute;
}): Promise<JudgedDocument> {
  if (chain === undefined) {
    const [root] = await verify.decodeKeyIds([node_id]);
    if (root?.ok !== true) return refuse(14, 'key.malformed', 'the id of the node document names no key');
    const [proof] = await verify.verifyDocuments([signedBy(document, root.public_key)]);
    if (proof?.ok !== true) {
      return refuse(11, proof?.code ?? 'sig.invalid', 'the root key did not sign this node document');
    }
    return { ok: true, newest: document, detail: `signed by the root key of ${node_id}` };
  }
  const seq = document['seq'];
  if (typeof seq !== 'number' || seq > chain.length) {
    return refuse(
      14,
      'key.unknown',
      `the pinned chain ends before document ${JSON.stringify(seq)}; pin the node again`,
    );
  }
  const isNext = seq === chain.length;
  const documents = isNext ? [...chain, document] : chain;
  const judged = await verifyChain({ documents, node_id, verify, digest });
  if (!judged.ok) {
    const exit = /^(sig|key)\./.test(judged.code) ? 11 : 14;
    return refuse(exit, judged.code, `node document ${judged.seq}: ${judged.detail}`);
  }
  const own = await digestOf(digest, document);
  if (own !== judged.sha256[seq]) {
    return refuse(14, 'schema.mismatch', `this is not document ${seq} of the pinned chain`);
  }
  const newest = documents.at(-1) ?? document;
  return { ok: true, newest, detail: `document ${seq} of ${documents.length} of ${node_id}` };
}

/** Undefined for a document without a canonical form: it is none of a chain that has one. */
async function digestOf(digest: DigestCompute, document: JsonObject): Promise<string | undefined> {
  const [canonical] = await digest.canonicalise([new TextEncoder().encode(JSON.stringify(document))]);
  if (canonical?.ok !== true) return undefined;
  return (await digest.digest([canonical.canonical]))[0]?.sha256;
}

function refuse(exit: 11 | 14, code: string, detail: string): JudgedDocument {
  return { ok: false, exit, code, detail };
}
