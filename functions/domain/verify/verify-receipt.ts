import limits from '@signet/shared/limits.json' with { type: 'json' };
import { listedKeys, type ListedKey } from '../identity/node-document.ts';
import { judgeDocument } from './judge-document.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute, VerifyCompute } from '../ports/compute.ts';
import { delegationType, statementPayloadType } from '../receipts/statement-types.ts';
import { readReceipt, type ReceiptFile } from './read-receipt.ts';
import { readStatement, type SignedStatement } from './statement.ts';

/** Exit codes of `signet verify`. */
export type VerdictExit = 0 | 3 | 10 | 11 | 12 | 13 | 14 | 15;

/** The checks, in the order in which they are made. */
export type CheckName =
  | 'form'
  | 'inclusion'
  | 'log'
  | 'quorum'
  | 'history'
  | 'document'
  | 'issuer'
  | 'delegation'
  | 'entry'
  | 'statement'
  | 'window'
  | 'content'
  | 'trust';

export interface Check {
  readonly name: CheckName;
  readonly ok: boolean;
  /** `ok`, or the reject code that answers why not. */
  readonly code: string;
  readonly detail: string;
}

export interface Verdict {
  readonly valid: boolean;
  /** 0 valid, 3 valid but not pinned, 10 malformed, 11 signature, 12 log proof, 13 quorum, 14 identity, 15 content. */
  readonly exit: VerdictExit;
  /** `ok`, or the code of the check that failed. */
  readonly code: string;
  /** Those made; the first failure is the last of them. */
  readonly checks: readonly Check[];
  /** Known once the entry's signature held. */
  readonly receipt_id?: string;
  readonly node_id?: string;
  readonly statement?: JsonObject;
}

/**
 * Judges a receipt file by itself: opens no socket, reads no store, trusts no member of the file.
 *
 * The document must be signed by the root key that its own id names, list the issuer key that signed the delegation, and
 * the delegation must vouch for the session key that signed the entry at the time the entry states. That proves who
 * said it; whether that node is the one you mean is the last check, against `trust` (node ids you pinned).
 *
 * A pinned chain of the node's documents tells besides which keys were rotated or taken back since.
 *
 * @param content bytes of content records to compare with the digests in the statement's `subject[]`.
 */
export async function verifyReceipt({ bytes, ...given }: { bytes: Uint8Array } & JudgeFacts): Promise<Verdict> {
  const refuse = (code: string, detail: string): Verdict => {
    const checks = [{ name: 'form', ok: false, code, detail } as const];
    return { valid: false, exit: 10, code, checks };
  };
  const read = readReceipt(bytes);
  if (!read.ok) return refuse(read.code, read.detail);
  const notCanonical = await firstNotCanonical(given.digest, read.receipt);
  if (notCanonical !== undefined) return refuse(notCanonical.code, notCanonical.detail);
  const form = { name: 'form', ok: true, code: 'ok', detail: `a receipt of ${bytes.length} bytes` } as const;
  return judgeReceipt({ receipt: read.receipt, before: [form], ...given });
}

export interface JudgeFacts {
  readonly verify: VerifyCompute;
  readonly digest: DigestCompute;
  /** Node ids that are pinned. */
  readonly trust: readonly string[];
  /** Document chains that are pinned: what tells of rotated and revoked keys, and of root keys after the first. */
  readonly chains?: readonly (readonly JsonObject[])[];
  /** Place of the entry in the log, where the receipt proved one: what a revocation is compared with. */
  readonly log_index?: number;
  readonly content?: readonly Uint8Array[];
}

/**
 * Judges a receipt that has its form. `before` are the checks that were made already; entry and delegation must be
 * canonical envelopes of one signature each.
 */
export async function judgeReceipt({
  receipt,
  before,
  verify,
  digest,
  trust,
  chains = [],
  log_index,
  content = [],
}: { receipt: ReceiptFile; before: readonly Check[] } & JudgeFacts): Promise<Verdict> {
  const checks: Check[] = [...before];
  const told: { receipt_id?: string; node_id?: string; statement?: JsonObject } = {};
  const pass = (name: CheckName, detail: string): void => {
    checks.push({ name, ok: true, code: 'ok', detail });
  };
  const fail = (name: CheckName, exit: VerdictExit, code: string, detail: string): Verdict => {
    checks.push({ name, ok: false, code, detail });
    return { valid: false, exit, code, checks, ...told };
  };

  const node_id = receipt.document['id'];
  if (typeof node_id !== 'string' || !node_id.startsWith('did:key:z')) {
    return fail('document', 14, 'schema.mismatch', 'expected a did:key as the id of the node document');
  }
  const chain = chains.find(([first]) => first?.['id'] === node_id);
  const judged = await judgeDocument({ document: receipt.document, node_id, chain, verify, digest });
  if (!judged.ok) return fail('document', judged.exit, judged.code, judged.detail);
  pass('document', judged.detail);

  const issuerKeyId = signerOf(receipt.delegation);
  const isIssuer = (key: ListedKey): boolean => key.role === 'issuer' && key.key_id === issuerKeyId;
  // What the document of that time lists, as the newest one tells of it.
  const issuer = listedKeys(receipt.document).some(isIssuer) ? listedKeys(judged.newest).find(isIssuer) : undefined;
  if (issuer === undefined) {
    return fail(
      'issuer',
      14,
      'key.unknown',
      'the key that signed the delegation is no issuer key of the node document',
    );
  }
  const [issuerKey] = await verify.decodeKeyIds([issuer.key_id]);
  if (issuerKey?.ok !== true) return fail('issuer', 14, 'key.malformed', 'the issuer key cannot be read');
  pass('issuer', `${issuer.key_id} is listed as issuer`);

  const [opened] = await verify.openEnvelopes([{ envelope: receipt.delegation, public_key: issuerKey.public_key }]);
  if (opened?.ok !== true) {
    const code = opened?.code ?? 'sig.invalid';
    return fail('delegation', exitOf(code), code, 'the issuer key did not sign this delegation');
  }
  const delegation = opened.payload_type === statementPayloadType ? readDelegation(opened.payload) : undefined;
  if (delegation === undefined) {
    return fail(
      'delegation',
      10,
      'schema.mismatch',
      `expected a statement \`${delegationType}\` with all of its fields`,
    );
  }
  if (delegation.statement.head.iss !== node_id) {
    return fail('delegation', 14, 'key.issuer', 'the delegation speaks for another node than the document');
  }
  if (delegation.role !== 'session') {
    return fail('delegation', 14, 'key.role', `expected the role \`session\`, got \`${delegation.role}\``);
  }
  pass('delegation', `${delegation.key} may sign from ${delegation.nbf} to ${delegation.naf}`);

  const [sessionKey] = await verify.decodeKeyIds([delegation.key]);
  if (sessionKey?.ok !== true) return fail('entry', 14, 'key.malformed', 'the session key cannot be read');
  if (signerOf(receipt.entry) !== delegation.key) {
    return fail('entry', 14, 'key.delegation', 'the entry is signed by another key than the delegation vouches for');
  }
  const [entry] = await verify.openEnvelopes([{ envelope: receipt.entry, public_key: sessionKey.public_key }]);
  if (entry?.ok !== true) {
    const code = entry?.code ?? 'sig.invalid';
    return fail('entry', exitOf(code), code, 'the session key did not sign this entry');
  }
  const statement = entry.payload_type === statementPayloadType ? readStatement(entry.payload) : undefined;
  if (statement === undefined) return fail('entry', 10, 'schema.mismatch', 'expected an in-toto statement with a head');
  told.receipt_id = entry.id;
  told.node_id = node_id;
  told.statement = JSON.parse(new TextDecoder().decode(entry.payload)) as JsonObject;
  pass('entry', `signed by the session key, id ${entry.id}`);

  if (statement.head.iss !== node_id) {
    return fail('statement', 14, 'key.issuer', 'the statement speaks for another node than the document');
  }
  if (statement.head.del !== opened.id) {
    return fail('statement', 14, 'key.delegation', 'the statement names another delegation');
  }
  if (!delegation.kinds.includes(statement.predicate_type)) {
    return fail('statement', 14, 'key.role', `the delegation is not for \`${statement.predicate_type}\``);
  }
  pass('statement', `\`${statement.predicate_type}\` under constitution ${statement.head.con}`);

  const windowFault = faultOfWindow({ iat: statement.head.iat, delegation, issuer });
  if (windowFault !== undefined) return fail('window', 14, 'key.delegation', windowFault);
  const revoked = faultOfRevocation(issuer, {
    log_index,
    iat: statement.head.iat,
    made: delegation.statement.head.iat,
  });
  if (revoked !== undefined) return fail('window', 14, 'key.revoked', revoked);
  pass('window', `stated at ${statement.head.iat}, within the delegation`);

  if (content.length > 0) {
    const known = new Set(statement.subject.map((subject) => subject.digest['sha256']));
    const digests = await digest.digest(content);
    const stranger = digests.findIndex(({ sha256 }) => !known.has(sha256));
    if (stranger >= 0) {
      return fail(
        'content',
        15,
        'digest.mismatch',
        `content record ${stranger + 1} is not what the statement is about`,
      );
    }
    pass('content', `${content.length} content record${content.length === 1 ? '' : 's'} match`);
  }

  if (!trust.includes(node_id)) {
    return fail('trust', 3, 'trust.unpinned', `the signatures hold, but ${node_id} is not among the nodes you trust`);
  }
  pass('trust', `${node_id} is pinned`);
  return { valid: true, exit: 0, code: 'ok', checks, ...told };
}

/** Entry and delegation are stored canonical; another spelling of the same envelope is not what the ledger holds. */
export async function firstNotCanonical(
  digest: DigestCompute,
  { entry, delegation }: Pick<ReceiptFile, 'entry' | 'delegation'>,
): Promise<{ code: string; detail: string } | undefined> {
  const outcomes = await digest.canonicalise([entry, delegation]);
  for (const [index, bytes] of [entry, delegation].entries()) {
    const name = index === 0 ? 'entry' : 'delegation';
    const outcome = outcomes[index];
    if (outcome?.ok !== true) return { code: outcome?.code ?? 'internal', detail: `\`${name}\` is not strict JSON` };
    if (Buffer.compare(outcome.canonical, bytes) !== 0) {
      return { code: 'json.not_canonical', detail: `\`${name}\` is not in its canonical form` };
    }
    if (signerOf(bytes) === undefined) {
      return { code: 'envelope.shape', detail: `\`${name}\` is no envelope with one signature and nothing else` };
    }
  }
  return undefined;
}

/**
 * The `keyid` of an envelope of exactly the DSSE members and one signature; undefined for any other shape. It only
 * picks the candidate: the signature is then verified under the key that document or delegation name.
 */
function signerOf(envelope: Uint8Array): string | undefined {
  const value: unknown = JSON.parse(new TextDecoder().decode(envelope));
  if (!hasExactly(value, ['payload', 'payloadType', 'signatures'])) return undefined;
  const signatures = value['signatures'];
  if (!Array.isArray(signatures) || signatures.length !== 1) return undefined;
  const signature: unknown = signatures[0];
  if (!hasExactly(signature, ['keyid', 'sig'])) return undefined;
  return typeof signature['keyid'] === 'string' ? signature['keyid'] : undefined;
}

function hasExactly(value: unknown, names: readonly string[]): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.keys(value).sort().join() === names.join();
}

interface Delegation {
  readonly statement: SignedStatement;
  readonly key: string;
  readonly role: string;
  readonly kinds: readonly string[];
  /** Unix seconds, inclusive. */
  readonly nbf: number;
  readonly naf: number;
}

function readDelegation(payload: Uint8Array): Delegation | undefined {
  const statement = readStatement(payload);
  if (statement === undefined || statement.predicate_type !== delegationType) return undefined;
  const { key, role, kinds, nbf, naf } = statement.predicate;
  if (typeof key !== 'string' || typeof role !== 'string') return undefined;
  if (typeof nbf !== 'number' || typeof naf !== 'number') return undefined;
  if (!Array.isArray(kinds) || !kinds.every((kind) => typeof kind === 'string')) return undefined;
  return { statement, key, role, kinds, nbf, naf };
}

/** Why `iat` is not covered; undefined when it is. */
function faultOfWindow({
  iat,
  delegation: { nbf, naf, statement },
  issuer,
}: {
  iat: number;
  delegation: Delegation;
  issuer: ListedKey;
}): string | undefined {
  if (!(nbf < naf && naf - nbf <= limits.session_s_max)) {
    return `expected a delegation of at most ${limits.session_s_max} s, got ${nbf} to ${naf}`;
  }
  if (!(nbf <= iat && iat <= naf)) return `stated at ${iat}, outside the delegation from ${nbf} to ${naf}`;
  const made = statement.head.iat;
  if (made < issuer.not_before || made > (issuer.not_after ?? Number.MAX_SAFE_INTEGER)) {
    return `the delegation was made at ${made}, when the issuer key was not valid`;
  }
  return undefined;
}

/**
 * Why a revocation of the issuer key reaches this entry; undefined when it does not. By place in the log where there is
 * one: a stolen key can state any time, but not write into the past. Without a place nothing of the key holds any more,
 * unless it was taken back by time because the node had no log then.
 */
function faultOfRevocation(
  { revoked_at }: ListedKey,
  { log_index, iat, made }: { log_index: number | undefined; iat: number; made: number },
): string | undefined {
  if (revoked_at === undefined) return undefined;
  if ('index' in revoked_at) {
    if (log_index === undefined)
      return 'the issuer key was revoked, and nothing proves that the entry was logged before';
    const isReached = log_index >= revoked_at.index;
    return isReached ? `the issuer key was revoked from entry ${revoked_at.index} on` : undefined;
  }
  const isReached = Math.max(iat, made) >= revoked_at.time;
  return isReached ? `the issuer key was revoked at ${revoked_at.time}` : undefined;
}

/** A form fault is malformed; a fault of key or signature is the signature's. */
function exitOf(code: string): VerdictExit {
  return code.startsWith('json.') || code.startsWith('envelope.') || code.startsWith('schema.') ? 10 : 11;
}
