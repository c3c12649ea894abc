import type { NewId, Now } from '../call.ts';
import type { Identity } from '../identity/open-identity.ts';
import type { Receipts } from '../receipts/receipts.ts';
import { countsType } from '../receipts/statement-types.ts';

/** What was turned away before anything was judged. */
export type CountedKind = 'unauthenticated' | 'rate_limited' | 'malformed' | 'not_found' | 'too_large';

export interface Counts {
  note(kind: CountedKind): void;
  /** Writes one entry with the counts since the last, unless all are zero; answers its receipt. Call it each minute. */
  flush(): Promise<string | undefined>;
  /**
   * The same for a host without timers, whose process may be frozen at any time and never wake: call it after each
   * request. Writes when there is something and the last entry is a minute old, so the first at once; what comes within
   * the minute after an entry is lost if no request follows.
   */
  flushDue(): Promise<string | undefined>;
}

/**
 * Requests that leave no receipt of their own are counted, and one entry a minute carries the counts: the log says that
 * they came, and a stranger cannot fill it.
 */
export function makeCounts({
  receipts,
  identity,
  now,
  newId,
}: {
  receipts: Receipts;
  identity: Pick<Identity, 'con'>;
  now: Now;
  newId: NewId;
}): Counts {
  let counts = new Map<CountedKind, number>();
  let from = now();
  let due_at = 0;

  return {
    note(kind) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
    },
    flush,
    async flushDue() {
      if (counts.size === 0 || now() < due_at) return undefined;
      // Before the entry is written: requests that run beside it, and one that failed, wait for the next minute.
      due_at = now() + entry_every_ms;
      return flush();
    },
  };

  async function flush(): Promise<string | undefined> {
    const to = now();
    const [taken, since] = [counts, from];
    from = to;
    if (taken.size === 0) return undefined;
    counts = new Map();
    try {
      return await receipts.append(
        { request_id: newId(), nextStatement: () => 0 },
        {
          // A statement needs a subject: these requests were turned away under this constitution.
          subject: [{ name: 'constitution', digest: { sha256: identity.con } }],
          predicate_type: countsType,
          predicate: {
            from: Math.floor(since / 1000),
            to: Math.floor(to / 1000),
            counts: Object.fromEntries([...taken].sort()),
          },
        },
      );
    } catch (cause) {
      for (const [kind, count] of taken) counts.set(kind, (counts.get(kind) ?? 0) + count);
      from = since;
      throw cause;
    }
  }
}

const entry_every_ms = 60_000;
