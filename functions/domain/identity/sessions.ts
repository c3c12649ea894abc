import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { NewId, Now } from '../call.ts';
import type { DigestCompute } from '../ports/compute.ts';
import type { Keys, PublicKey } from '../ports/keys.ts';
import type { Table } from '../ports/table.ts';
import { delegationType, sessionKinds, statementPayloadType, statementType } from '../receipts/statement-types.ts';
import { delegationKey } from './keys.ts';

export interface Session {
  readonly key_id: string;
  /** Envelope id of the delegation: `del` of every statement that the key signs. */
  readonly delegation_id: string;
  /** Unix seconds, inclusive: the key's statements carry an `iat` within. */
  readonly nbf: number;
  readonly naf: number;
}

/** A delegation starts this long before it is made, so that a clock set back a little does not end the session. */
const backdated_s = 30;

/**
 * Session keys, one at a time, each vouched for by the issuer key for at most an hour and kept in memory alone.
 * One renewal runs at a time and every caller waits for it. When it fails, the old session serves until its end.
 */
export function makeSessions({
  table,
  keys,
  digest,
  now,
  newId,
  node_id,
  con,
  acting,
}: {
  table: Table;
  keys: Keys;
  digest: DigestCompute;
  now: Now;
  newId: NewId;
  node_id: string;
  con: string;
  /** The issuer key in use, and the node document that lists it. */
  acting: () => { readonly issuer: PublicKey; readonly document_seq: number };
}): { session(): Promise<Session>; renewSession(): Promise<Session> } {
  let current: Session | undefined;
  let renewal: Promise<Session> | undefined;
  /** Keys that a statement in flight may still need: the last one before the current. */
  let previous: string | undefined;

  async function session(): Promise<Session> {
    const left_s = current === undefined ? 0 : secondsLeft(current, now());
    if (current !== undefined && left_s >= limits.session_renew_below_s) return current;
    try {
      return await renewSession();
    } catch (cause) {
      if (current !== undefined && secondsLeft(current, now()) > 0) return current;
      throw cause;
    }
  }

  function renewSession(): Promise<Session> {
    renewal ??= renew().finally(() => {
      renewal = undefined;
    });
    return renewal;
  }

  async function renew(): Promise<Session> {
    const { issuer, document_seq } = acting();
    const key = await keys.create('session');
    const iat = Math.floor(now() / 1000);
    const nbf = iat - backdated_s;
    const naf = nbf + limits.session_s_max;
    const [digests] = await digest.digest([key.public_key]);
    if (digests === undefined) throw new Error('no digest of the session key came back');
    const sealed = await keys.sealEnvelope({
      key_id: issuer.key_id,
      payload_type: statementPayloadType,
      payload: {
        _type: statementType,
        subject: [{ name: key.key_id, digest: { ...digests } }],
        predicateType: delegationType,
        predicate: {
          v: 1,
          iss: node_id,
          iat,
          con,
          req: newId(),
          n: 0,
          key: key.key_id,
          role: 'session',
          custody: key.custody,
          kinds: sessionKinds,
          nbf,
          naf,
        },
      },
    });
    const envelope = new TextDecoder().decode(sealed.entry);
    await table.write(
      {
        kind: 'put',
        key: delegationKey(node_id, sealed.id),
        item: { envelope, key: key.key_id, nbf, naf, document_seq },
      },
      now(),
    );
    const retired = previous;
    previous = current?.key_id;
    current = { key_id: key.key_id, delegation_id: sealed.id, nbf, naf };
    if (retired !== undefined) await keys.release(retired);
    return current;
  }

  return { session, renewSession };
}

/** 0 outside the window: also when the clock was set back before its start. */
function secondsLeft(session: Session, now_ms: number): number {
  const seconds = Math.floor(now_ms / 1000);
  return seconds < session.nbf ? 0 : Math.max(0, session.naf - seconds);
}
