import type { SigningKey } from '../identity/signing-keys.ts';
import type { VerifyCompute } from '../ports/compute.ts';
import { documentKind, messagePayloadType } from '../receipts/statement-types.ts';
import type { EnvelopeVerdict, MessageCheck, MessageCheckName } from './messages.ts';
import { publicKinds, readMessage, type Message, type MessageKind } from './read-message.ts';

/** What a message is judged against. */
export interface MessageRules {
  /** Our own node id. */
  readonly audience: string;
  /** Digests of the constitutions under which a message may have been made. */
  readonly constitutions: ReadonlySet<string>;
  /** Seconds that a message of each kind may last. */
  readonly ttl_s: { readonly [kind in MessageKind]: number };
  /** Seconds that its clock may be ahead of ours. */
  readonly skew_s: number;
  /** Unix seconds. */
  readonly now: number;
}

export interface JudgedEnvelope {
  readonly verdict: EnvelopeVerdict;
  /** When everything held. */
  readonly message?: Message;
}

/**
 * Checks 1 to 6 of an envelope, in this order and no other; the first failure is the answer. Nothing of the payload is
 * parsed before the signature held under a key of our own registry, which the name in the envelope only picks: a changed
 * name can cause a refusal and nothing else.
 */
export async function judgeEnvelope({
  envelope,
  rules,
  findKey,
  verify,
}: {
  envelope: Uint8Array;
  rules: MessageRules;
  findKey: (key_id: string) => Promise<SigningKey | undefined>;
  verify: VerifyCompute;
}): Promise<JudgedEnvelope> {
  const checks: MessageCheck[] = [];
  const told: { id?: string; iss?: string } = {};
  const pass = (check: MessageCheckName): void => void checks.push({ check, ok: true });
  const fail = (check: MessageCheckName, code: string): JudgedEnvelope => {
    checks.push({ check, ok: false, code });
    return { verdict: { valid: false, error: reasonOf(code), code, checks, ...told } };
  };

  const [outline] = await verify.readEnvelopes([envelope]);
  if (outline?.ok !== true) return fail('form', outline?.code ?? 'internal');
  told.id = outline.id;
  if (outline.payload_type !== messagePayloadType) return fail('form', 'envelope.type');
  pass('form');

  const key = await firstKnown(outline.key_ids, findKey);
  const keyFault = faultOfKey(key, rules);
  if (key === undefined || keyFault !== undefined) return fail('key', keyFault ?? 'key.unknown');
  pass('key');

  const [decoded] = await verify.decodeKeyIds([key.key_id]);
  if (decoded?.ok !== true) return fail('signature', 'key.malformed');
  const [opened] = await verify.openEnvelopes([{ envelope, public_key: decoded.public_key }]);
  if (opened?.ok !== true) {
    const code = opened?.code ?? 'internal';
    if (/^(sig|key)\./.test(code)) return fail('signature', code);
    pass('signature');
    return fail('payload', code);
  }
  pass('signature');

  const read = readMessage(opened.payload);
  if (!read.ok) return fail('payload', read.code);
  pass('payload');

  const { message } = read;
  told.iss = message.iss;
  const unbound = faultOfBinding(message, key, rules);
  if (unbound !== undefined) return fail('binding', unbound);
  pass('binding');

  const untimely = faultOfTime(message, rules);
  if (untimely !== undefined) return fail('time', untimely);
  pass('time');
  return { verdict: { valid: true, checks, ...told }, message };
}

async function firstKnown(
  key_ids: readonly string[],
  findKey: (key_id: string) => Promise<SigningKey | undefined>,
): Promise<SigningKey | undefined> {
  const found = await Promise.all(key_ids.map(findKey));
  return found.find((key) => key !== undefined);
}

/** The delegation is over when even the last message that it covers is; whether it covers this one is asked once that is read. */
function faultOfKey(key: SigningKey | undefined, { now, skew_s, ttl_s }: MessageRules): string | undefined {
  if (key === undefined) return 'key.unknown';
  if (key.is_revoked) return 'key.revoked';
  if (key.role !== 'session' && key.role !== 'agent') return 'key.role';
  const isOver = now > key.naf + ttl_s.document || now < key.nbf - skew_s;
  return isOver ? 'key.delegation' : undefined;
}

function faultOfBinding(message: Message, key: SigningKey, rules: MessageRules): string | undefined {
  if (message.iss !== key.owner) return 'key.issuer';
  if (message.kind === documentKind && !key.kinds.includes(documentKind)) return 'key.role';
  // Control messages are the node's own word.
  if (message.kind === 'control' && key.role !== 'session') return 'key.role';
  const isCovered = message.del === key.delegation && key.nbf <= message.iat && message.iat <= key.naf;
  if (!isCovered) return 'key.delegation';
  const isOurs = message.aud === '*' ? publicKinds.has(message.kind) : message.aud === rules.audience;
  if (!isOurs) return 'msg.audience';
  return rules.constitutions.has(message.con) ? undefined : 'msg.constitution';
}

function faultOfTime({ kind, iat, exp }: Message, { now, skew_s, ttl_s }: MessageRules): string | undefined {
  if (iat - skew_s > now) return 'time.future';
  if (now > exp) return 'time.expired';
  const lasts = exp - iat;
  return lasts > 0 && lasts <= ttl_s[kind] ? undefined : 'time.ttl';
}

const reasons: { readonly [code: string]: string } = {
  'key.unknown': 'no key of this node is named',
  'key.revoked': 'the key was revoked',
  'key.role': 'a key of this role does not sign this',
  'key.delegation': 'no delegation covers this message',
  'key.issuer': 'the key is not of who the message says it is from',
  'msg.audience': 'the message is for somebody else',
  'msg.constitution': 'the message was made under rules that do not hold here',
  'time.future': 'the message is from the future',
  'time.expired': 'the message is over',
  'time.ttl': 'the message lasts longer than its kind may, or no time at all',
  'rate.limited': 'too many messages from this key at once',
  'replay.seen': 'the message was admitted before',
};

/** For people; the code is what programs read. */
export function reasonOf(code: string): string {
  const [family = ''] = code.split('.');
  return reasons[code] ?? families[family] ?? 'the envelope is refused';
}

const families: { readonly [family: string]: string } = {
  json: 'the JSON is not of the strict profile',
  envelope: 'the envelope does not have its form',
  schema: 'the message does not have its form',
  sig: 'the signature does not hold',
  key: 'the key cannot be read',
};
