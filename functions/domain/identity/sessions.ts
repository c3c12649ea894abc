import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { NewId, Now } from '../call.ts';
import type { DigestCompute } from '../ports/compute.ts';
import type { Keys, PublicKey } from '../ports/keys.ts';
import type { Table } from '../ports/table.ts';
import { sessionKinds } from '../receipts/statement-types.ts';
import { delegate } from './delegate.ts';
import { delegationKey } from './keys.ts';
import { registration } from './signing-keys.ts';

export interface Session {
  readonly key_id: string;
  /** Envelope id of the delegation: `del` of every statement that the key signs. */
  readonly delegation_id: string;
  /** Unix seconds, inclusive: the key's statements carry an `iat` within. */
  readonly nbf: number;
  readonly naf: number;
}

/** A delegation starts this long before it is made, so that a clock set back a little does not end the session. */
export const backdated_s = 30;

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
  /** Of the constitution that runs now. */
  con: () => string;
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
    const delegation = await delegate(
      { keys, digest, newId },
      { issuer, key, node_id, con: con(), kinds: sessionKinds, window: { iat, nbf, naf } },
    );
    await table.transact(
      [
        {
          kind: 'put',
          key: delegationKey(node_id, delegation.id),
          item: { envelope: delegation.envelope, key: key.key_id, nbf, naf, document_seq },
        },
        registration(
          {
            key_id: key.key_id,
            owner: node_id,
            role: 'session',
            kinds: sessionKinds,
            delegation: delegation.id,
            nbf,
            naf,
          },
          // Until the last message that it may have signed is over.
          { expires_at: naf + limits.session_s_max + limits.messages.replay_kept_s },
        ),
      ],
      now(),
    );
    const retired = previous;
    previous = current?.key_id;
    current = { key_id: key.key_id, delegation_id: delegation.id, nbf, naf };
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
