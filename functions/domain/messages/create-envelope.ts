import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Call } from '../call.ts';
import { contentKey, contentObjectKey } from '../content/keys.ts';
import { digestJson, NotCanonicalError, type DigestedJson } from '../content/digest-json.ts';
import type { Judged } from '../decisions/judge.ts';
import { SignetError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import { KeyRefusedError, type SealedEnvelope } from '../ports/keys.ts';
import { documentKind, messagePayloadType } from '../receipts/statement-types.ts';
import { assertKnown } from './assert-known.ts';
import { madeEnvelopeKey } from './keys.ts';
import type { MessagesOptions } from './make-messages.ts';
import type { CreateRequest, MadeEnvelope } from './messages.ts';

/** Who signs: a managed identity, or the node's session. */
interface Signer {
  readonly key_id: string;
  readonly delegation: string;
  /** Lower-case hex. */
  readonly public_key: string;
}

/** A record up to this is a row, a larger one an object. */
const row_bytes_max = 16_384;
const day_s = 86_400;

/**
 * Makes a signed document: the payload inside if the whole fits what a key service signs in one piece, else stored, with
 * its digests inside. Whatever it names as its origin must be known here: 422 otherwise.
 */
export async function createEnvelope(
  options: MessagesOptions,
  call: Call,
  request: CreateRequest,
): Promise<Judged<MadeEnvelope>> {
  const { table, digest, judge, now } = options;
  const content = await canonical(options, request.payload);
  const identity = request.key_id === undefined ? undefined : await options.identities.find(call, request.key_id);
  const question = {
    action: 'sign',
    resource: { type: 'Identity', id: identity?.key_id ?? 'session' },
    facts: { operation: 'create', bytes: content.canonical.length },
    request: { content_hash: content.sha256, audience: request.audience, ttl: request.ttl },
  } as const;
  return judge.decide(call, question, async () => {
    await assertKnown(options, call, request.provenance);
    const iat = Math.floor(now() / 1000);
    const provenance = request.provenance.map(({ id, digest: sha256 }) => ({ id, digest: sha256 }));
    const [origins] = await digestJson(digest, [provenance]);
    if (origins === undefined) throw new Error('no digest of the provenance came back');
    const bodies = bodiesOf(request, { content, provenance, origins });

    const { sealed, signer, body } = await sealFirst(options, { request, iat, bodies, identity });
    const stored = [...(body.is_stored ? [content] : []), ...(body.are_origins_stored ? [origins] : [])];
    for (const each of stored) await store(options, call.principal.tenant, each);
    const made = {
      content_hash: content.sha256,
      expires_at: iat + limits.content_days * day_s,
    };
    await table.write({ kind: 'put', key: madeEnvelopeKey(call.principal.tenant, sealed.id), item: made }, now());
    const envelope = JSON.parse(new TextDecoder().decode(sealed.entry)) as JsonObject & {
      readonly signatures: readonly [{ readonly sig: string }];
    };
    const value: MadeEnvelope = {
      id: sealed.id,
      public_key: signer.public_key,
      signature: Buffer.from(envelope.signatures[0].sig, 'base64').toString('hex'),
      ttl: request.ttl,
      timestamp: iat,
      content_hash: content.sha256,
      digests: { sha256: content.sha256, blake3: content.blake3 },
      envelope,
      ...(body.is_stored ? { content_ref: content.sha256 } : {}),
    };
    return { value, outcome: { detail: { key_id: signer.key_id, envelope: sealed.id, stored: stored.length } } };
  });
}

async function canonical({ digest }: MessagesOptions, payload: Json): Promise<DigestedJson> {
  try {
    const [content] = await digestJson(digest, [payload]);
    if (content === undefined) throw new Error('no digest of the payload came back');
    if (content.canonical.length > limits.messages.content_bytes_max) {
      throw new SignetError({
        code: 'too_large',
        reason: 'json.size',
        detail: `expected a payload of at most ${limits.messages.content_bytes_max} bytes`,
        param: 'payload',
      });
    }
    return content;
  } catch (error) {
    if (!(error instanceof NotCanonicalError)) throw error;
    throw new SignetError(
      { code: 'invalid_json', reason: error.code, detail: 'the payload has no canonical form', param: 'payload' },
      { cause: error },
    );
  }
}

interface Body {
  readonly value: JsonObject;
  readonly is_stored: boolean;
  readonly are_origins_stored: boolean;
}

/** What may be signed, from the one that says most to the one that fits always. */
function bodiesOf(
  { payload, schema_id }: CreateRequest,
  { content, provenance, origins }: { content: DigestedJson; provenance: readonly JsonObject[]; origins: DigestedJson },
): readonly Body[] {
  const digestsOf = ({ sha256, blake3 }: DigestedJson): JsonObject => ({ sha256, blake3 });
  const head = { digest: digestsOf(content), ...(schema_id === undefined ? {} : { schema_id }) };
  const listed = provenance.length === 0 ? {} : { provenance };
  const named = provenance.length === 0 ? {} : { provenance_ref: digestsOf(origins) };
  const inside = { content: payload };
  const outside = { content_ref: content.sha256 };
  return [
    { value: { ...head, ...listed, ...inside }, is_stored: false, are_origins_stored: false },
    { value: { ...head, ...listed, ...outside }, is_stored: true, are_origins_stored: false },
    { value: { ...head, ...named, ...outside }, is_stored: true, are_origins_stored: true },
  ];
}

async function sealFirst(
  options: MessagesOptions,
  request: {
    request: CreateRequest;
    iat: number;
    bodies: readonly Body[];
    identity: Awaited<ReturnType<MessagesOptions['identities']['find']>> | undefined;
  },
): Promise<{ sealed: SealedEnvelope; signer: Signer; body: Body }> {
  const { identity, keys, random } = options;
  const { ttl, audience } = request.request;
  let signer = await signerOf(options, request.identity);
  const jti = Buffer.from(random(16)).toString('base64url');
  for (let attempt = 1; ; attempt += 1) {
    const messageOf = ({ value }: Body): JsonObject => ({
      v: 1,
      kind: documentKind,
      iss: identity.node_id,
      aud: audience,
      iat: request.iat,
      exp: request.iat + ttl,
      jti,
      con: identity.con,
      del: signer.delegation,
      body: value,
    });
    const body = request.bodies.find((one) => fits(messageOf(one))) ?? request.bodies.at(-1);
    if (body === undefined) throw new Error('there is always a body that fits');
    try {
      const sealed = await keys.sealEnvelope({
        key_id: signer.key_id,
        payload_type: messagePayloadType,
        payload: messageOf(body),
      });
      return { sealed, signer, body };
    } catch (error) {
      // The adapter that held the session key was swapped: its successor has a key of its own.
      if (!(error instanceof KeyRefusedError) || request.identity !== undefined || attempt === 2) throw error;
      await identity.renewSession();
      signer = await signerOf(options, undefined);
    }
  }
}

async function signerOf(
  { identity, verify, now }: MessagesOptions,
  managed: Awaited<ReturnType<MessagesOptions['identities']['find']>> | undefined,
): Promise<Signer> {
  if (managed !== undefined) {
    const isOver = managed.revoked_at !== undefined || Math.floor(now() / 1000) > managed.expires_at;
    if (isOver) {
      throw new SignetError({
        code: 'signature_refused',
        reason: managed.revoked_at === undefined ? 'key.delegation' : 'key.revoked',
        detail: 'this identity signs no longer',
        param: 'key_id',
      });
    }
    return { key_id: managed.key_id, delegation: managed.delegation, public_key: managed.public_key };
  }
  const { key_id, delegation_id } = await identity.session();
  const [decoded] = await verify.decodeKeyIds([key_id]);
  if (decoded?.ok !== true) throw new Error('the session key has no public half');
  return { key_id, delegation: delegation_id, public_key: Buffer.from(decoded.public_key).toString('hex') };
}

/** Canonical JSON has the length of what `JSON.stringify` writes: it reorders members and changes no token. */
function fits(message: JsonObject): boolean {
  const isSmall = Buffer.byteLength(JSON.stringify(message)) <= limits.envelope.payload_bytes_max;
  return isSmall && depthOf(message) <= limits.envelope.json_depth_max;
}

function depthOf(value: Json): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Object.values(value).reduce((deepest: number, each: Json) => Math.max(deepest, depthOf(each)), 0);
}

/** Under its plain digest, in the owner's own store, for as long as all content: whoever holds the digest can compare. */
async function store({ table, objects, now }: MessagesOptions, tenant: string, record: DigestedJson): Promise<void> {
  if (record.canonical.length > row_bytes_max) {
    await objects.put(contentObjectKey(tenant, record.sha256), record.canonical);
    return;
  }
  const expires_at = Math.floor(now() / 1000) + limits.content_days * day_s;
  const item = { record: new TextDecoder().decode(record.canonical), expires_at };
  await table.write({ kind: 'put', key: contentKey(tenant, record.sha256), item }, now());
}
