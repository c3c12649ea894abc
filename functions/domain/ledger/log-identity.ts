import type { Now } from '../call.ts';
import { addKey } from '../identity/document-changes.ts';
import { listedKeys } from '../identity/node-document.ts';
import type { Identity } from '../identity/open-identity.ts';
import type { JsonObject } from '../json.ts';
import type { DigestCompute } from '../ports/compute.ts';
import { digestOne } from '../ports/digest-one.ts';
import type { Keys, PublicKey } from '../ports/keys.ts';

/** What the node document says of the log, and the keys for it that are here. */
export interface LogIdentity {
  /** First line of every checkpoint; never changes. */
  readonly origin: string;
  /** Verifier keys, `<origin>+<id>+<base64>`. */
  readonly vkeys: readonly string[];
  /** Those of them whose private halves are here: each signs each checkpoint. */
  readonly signers: readonly PublicKey[];
}

/** The node document lists keys of the log, and none of those that may sign now is here. */
export class LogKeyMissingError extends Error {
  override readonly name = 'LogKeyMissingError';

  constructor(origin: string) {
    super(`no key that the node document lists for the log \`${origin}\` is here`);
  }
}

/**
 * The log of a node whose log key is in its own hands. A home from before the log gets the key now, and a node document that
 * lists it; a start that died between the two finds the key again.
 */
export async function openLogIdentity({
  keys,
  identity,
  digest,
  now,
}: {
  keys: Keys;
  identity: Pick<Identity, 'document' | 'appendDocument'>;
  digest: DigestCompute;
  now: Now;
}): Promise<LogIdentity> {
  const held = [...(await keys.list('log'))];
  if (listedLog(identity.document).vkeys.length === 0) {
    const key = held[0] ?? (await keys.create('log'));
    const { origin } = listedLog(identity.document);
    await identity.appendDocument(addKey({ key, now: now(), vkey: await vkeyText({ origin, key, digest }) }));
    held.push(...(held.length === 0 ? [key] : []));
  }
  return logIdentityOf({ document: identity.document, held, digest, now });
}

/** The log that a node document lists, with those of the `held` keys that may sign for it now. */
export async function logIdentityOf({
  document,
  held,
  digest,
  now,
}: {
  document: JsonObject;
  held: readonly PublicKey[];
  digest: DigestCompute;
  now: Now;
}): Promise<LogIdentity> {
  const { origin, vkeys } = listedLog(document);
  const texts = await Promise.all(held.map((key) => vkeyText({ origin, key, digest })));
  const acting = actingKeys(document, now());
  const signers = held.filter(({ key_id }, index) => acting.has(key_id) && vkeys.includes(texts[index] ?? ''));
  return { origin, vkeys, signers };
}

/** Keys of the log that are neither revoked nor past the end of their overlap. */
function actingKeys(document: JsonObject, now_ms: number): ReadonlySet<string> {
  const acting = listedKeys(document).filter(
    ({ role, revoked, not_after }) => role === 'log' && !revoked && (not_after ?? Infinity) * 1000 > now_ms,
  );
  return new Set(acting.map(({ key_id }) => key_id));
}

/** Origin and verifier keys as a node document lists them. */
export function listedLog(document: JsonObject): Pick<LogIdentity, 'origin' | 'vkeys'> {
  const log = (document['log'] ?? {}) as JsonObject;
  const vkeys = Array.isArray(log['vkeys']) ? (log['vkeys'] as readonly unknown[]) : [];
  return {
    origin: typeof log['origin'] === 'string' ? log['origin'] : '',
    vkeys: vkeys.filter((vkey) => typeof vkey === 'string'),
  };
}

/** The verifier key of C2SP `signed-note`: what a name signs by. The kind is 0x01 of a log, 0x04 of a witness. */
export async function vkeyText({
  origin,
  key,
  digest,
  kind = logKind,
}: {
  origin: string;
  key: Pick<PublicKey, 'public_key'>;
  digest: DigestCompute;
  kind?: number;
}): Promise<string> {
  const typed = Buffer.concat([new Uint8Array([kind]), key.public_key]);
  const { sha256 } = await digestOne(digest, Buffer.concat([Buffer.from(`${origin}\n`), typed]));
  return `${origin}+${sha256.slice(0, 8)}+${typed.toString('base64')}`;
}

const logKind = 1;
