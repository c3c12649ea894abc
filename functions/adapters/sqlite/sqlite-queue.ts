import { checkDelay, checkMessages, checkReceive } from '../../domain/ports/queue-rules.ts';
import type { DeadLetter, Queue, ReceivedMessage } from '../../domain/ports/queue.ts';
import type { Database } from './open-database.ts';

export interface SqliteQueueOptions {
  readonly db: Database;
  /** What waits in it, such as `jobs`. Queues of one file are told apart by it. */
  readonly name: string;
  /** Deliveries before a message becomes a dead letter. */
  readonly attempts_max: number;
  /** Unix milliseconds, for visibility and delays. Default: the system's clock. */
  readonly now?: () => number;
}

const next_visible = 'SELECT min(visible_at) AS visible_at FROM messages WHERE queue = ?';
const letters_after =
  'SELECT seq, body, attempts, reason, dead_at FROM dead_letters WHERE queue = ? AND seq > ? ORDER BY seq LIMIT ?';

/** No wait is longer than this without a look at the clock: it may have been set. */
const nap_ms_max = 1000;

/** The Queue port over the messages of one SQLite file. */
export function sqliteQueue({ db, name, attempts_max, now = Date.now }: SqliteQueueOptions): Queue {
  /** Unix milliseconds at which something may be there to receive; undefined for an empty queue. */
  function nextVisibleAt(): number | undefined {
    const visible_at = db.read(next_visible, [name])[0]?.['visible_at'];
    return typeof visible_at === 'number' ? visible_at : undefined;
  }

  /** Sleeps until a message may be visible, one is sent, `ms` are over, or `signal` aborts. */
  function nap(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const until_visible = (nextVisibleAt() ?? Infinity) - now();
      // A visible message that was not handed out waits for its group: only time or a send changes that.
      const duration = Math.min(ms, nap_ms_max, until_visible > 0 ? until_visible : nap_ms_max);
      const wake = () => {
        clearTimeout(timer);
        stopListening();
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, duration);
      const stopListening = db.onChanged(name, wake);
      signal.addEventListener('abort', wake);
      if (signal.aborted) wake();
    });
  }

  async function take(max: number, visibility_ms: number): Promise<ReceivedMessage[]> {
    const visible_at = nextVisibleAt();
    if (visible_at === undefined || visible_at > now()) return [];
    const deliveries = await db.write('receive', { now: now(), queue: name, max, visibility_ms, attempts_max });
    return deliveries.map(({ seq, body, attempt, group }) => ({
      id: String(seq),
      body,
      attempt,
      handle: `${seq}.${attempt}`,
      ...(group === null ? {} : { group }),
    }));
  }

  return {
    async send(messages) {
      checkMessages(messages);
      await db.write('send', {
        now: now(),
        queue: name,
        messages: messages.map(({ body, delay_ms = 0, group }) => ({ body, delay_ms, group: group ?? null })),
      });
    },

    async receive({ max, visibility_ms, wait_ms, signal }) {
      checkReceive({ max, visibility_ms, wait_ms });
      // The monotonic clock: a wait has a length, whatever happens to the time of day.
      const end = performance.now() + wait_ms;
      for (;;) {
        if (signal.aborted) return [];
        const messages = await take(max, visibility_ms);
        const left_ms = end - performance.now();
        if (messages.length > 0 || left_ms <= 0) return messages;
        await nap(left_ms, signal);
      }
    },

    async complete(handle) {
      const delivery = readHandle(handle);
      const completed = delivery !== undefined && (await db.write('complete', { queue: name, ...delivery }));
      return completed ? 'completed' : 'stale';
    },

    async release(handle, delay_ms) {
      checkDelay(delay_ms);
      const delivery = readHandle(handle);
      const visible_at = now() + delay_ms;
      const released = delivery !== undefined && (await db.write('release', { queue: name, ...delivery, visible_at }));
      return released ? 'released' : 'stale';
    },

    async deadLetter(handle, reason) {
      const delivery = readHandle(handle);
      const dead = delivery !== undefined && (await db.write('bury', { now: now(), queue: name, ...delivery, reason }));
      return dead ? 'dead' : 'stale';
    },

    async deadLetters({ cursor, limit }) {
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
        throw new TypeError(`expected \`limit\` from 1 to 1000, got ${limit}`);
      }
      const after = cursor === undefined ? 0 : readSeq(cursor);
      if (after === undefined) throw new TypeError('the cursor is not of this listing');
      const rows = db.read(letters_after, [name, after, limit + 1]);
      const letters = rows.slice(0, limit).map(
        (row): DeadLetter => ({
          id: String(row['seq']),
          body: String(row['body']),
          attempts: Number(row['attempts']),
          reason: String(row['reason']),
          dead_at: Number(row['dead_at']),
        }),
      );
      const last = letters.at(-1);
      return rows.length > limit && last !== undefined ? { letters, cursor: last.id } : { letters };
    },

    async redrive(ids) {
      const seqs = [...new Set(ids)].map(readSeq).filter((seq) => seq !== undefined);
      return seqs.length === 0 ? 0 : db.write('redrive', { now: now(), queue: name, seqs });
    },
  };
}

/** `<seq>.<attempt>`: another delivery of the message has another attempt, so an old handle matches nothing. */
function readHandle(handle: string): { seq: number; attempt: number } | undefined {
  const [seq, attempt, ...rest] = handle.split('.').map(readSeq);
  return seq === undefined || attempt === undefined || rest.length > 0 ? undefined : { seq, attempt };
}

function readSeq(text: string): number | undefined {
  return /^[1-9][0-9]{0,14}$/.test(text) ? Number(text) : undefined;
}
