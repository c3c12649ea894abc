import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Now } from '../call.ts';
import { isSignetError } from '../errors.ts';
import type { Table } from '../ports/table.ts';
import { replayKey } from './keys.ts';
import type { Message } from './read-message.ts';

export type Admitted<T> =
  | { readonly kind: 'admitted'; readonly value: T }
  /** `verdict` is what the first one left. */
  | { readonly kind: 'seen'; readonly verdict: string };

/**
 * Lets a message through once: a row that is inserted where there is none decides between copies, on one machine or on
 * many, also after a restart. It is inserted only for verified messages, so strangers cannot fill the table, and kept until
 * the message would be refused as expired. When `work` fails in a way that may pass (deadline, unavailable, internal), the
 * row is released, so that the sender may try again; any other end is final.
 */
export async function admitOnce<T>(
  { table, now }: { table: Table; now: Now },
  { message, id, verdict }: { message: Pick<Message, 'iss' | 'exp'>; id: string; verdict: string },
  work: () => Promise<T>,
): Promise<Admitted<T>> {
  const key = replayKey(message.iss, id);
  const expires_at = message.exp + limits.messages.replay_kept_s;
  const inserted = await table.write(
    { kind: 'put', key, item: { verdict, expires_at }, conditions: [{ kind: 'absent' }] },
    now(),
  );
  if (inserted.kind === 'refused') return { kind: 'seen', verdict: inserted.current?.['verdict'] as string };
  try {
    return { kind: 'admitted', value: await work() };
  } catch (error) {
    if (mayPass(error)) {
      const ours = { kind: 'equals', field: 'verdict', value: verdict } as const;
      await table.write({ kind: 'delete', key, conditions: [ours] }, now());
    }
    throw error;
  }
}

/** A refusal that was meant is kept; what the sender could not help is not. */
function mayPass(error: unknown): boolean {
  return !isSignetError(error) || error.status >= 500;
}
