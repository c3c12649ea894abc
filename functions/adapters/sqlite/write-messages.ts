import type { DatabaseSync } from 'node:sqlite';
import type { Exchanges, WireDelivery } from './protocol.ts';

type Handler<N extends keyof Exchanges> = (request: Exchanges[N]['request']) => Exchanges[N]['reply'];

/** The queue's half of the writer. Each call runs inside the group's transaction. */
export function messageWriter(connection: DatabaseSync): {
  send: Handler<'send'>;
  receive: Handler<'receive'>;
  complete: Handler<'complete'>;
  release: Handler<'release'>;
  bury: Handler<'bury'>;
  redrive: Handler<'redrive'>;
} {
  const insert = connection.prepare(
    'INSERT INTO messages (queue, body, ordering_group, visible_at) VALUES (?, ?, ?, ?)',
  );
  // Only the oldest message of a group can be handed out; one that is in flight is still the oldest, so its group waits.
  const next = connection.prepare(
    `SELECT seq, body, ordering_group, attempts FROM messages AS m
     WHERE queue = ?1 AND visible_at <= ?2
       AND (ordering_group IS NULL OR seq =
         (SELECT min(seq) FROM messages AS g WHERE g.queue = ?1 AND g.ordering_group = m.ordering_group))
     ORDER BY visible_at, seq LIMIT 1`,
  );
  const hand_out = connection.prepare('UPDATE messages SET visible_at = ?, attempts = attempts + 1 WHERE seq = ?');
  const remove = connection.prepare('DELETE FROM messages WHERE seq = ? AND queue = ? AND attempts = ?');
  const delay = connection.prepare('UPDATE messages SET visible_at = ? WHERE seq = ? AND queue = ? AND attempts = ?');
  const bury = connection.prepare(
    `INSERT INTO dead_letters (seq, queue, body, ordering_group, attempts, reason, dead_at)
     SELECT seq, queue, body, ordering_group, attempts, ?, ? FROM messages WHERE seq = ? AND queue = ? AND attempts = ?`,
  );
  const revive = connection.prepare(
    `INSERT INTO messages (queue, body, ordering_group, visible_at)
     SELECT queue, body, ordering_group, ? FROM dead_letters WHERE seq = ? AND queue = ?`,
  );
  const unbury = connection.prepare('DELETE FROM dead_letters WHERE seq = ? AND queue = ?');

  function buryDelivery(reason: string, now: number, seq: number, queue: string, attempts: number): boolean {
    const buried = bury.run(reason, now, seq, queue, attempts).changes === 1;
    if (buried) remove.run(seq, queue, attempts);
    return buried;
  }

  return {
    send({ now, queue, messages }) {
      for (const { body, delay_ms, group } of messages) insert.run(queue, body, group, now + delay_ms);
      return null;
    },

    receive({ now, queue, max, visibility_ms, attempts_max }) {
      const deliveries: WireDelivery[] = [];
      while (deliveries.length < max) {
        const row = next.get(queue, now);
        if (row === undefined) break;
        const seq = Number(row['seq']);
        const attempts = Number(row['attempts']);
        if (attempts >= attempts_max) {
          buryDelivery('attempts_exhausted', now, seq, queue, attempts);
          continue;
        }
        // At least one millisecond, or this loop would meet the same message again.
        hand_out.run(now + Math.max(1, visibility_ms), seq);
        const group = row['ordering_group'];
        deliveries.push({
          seq,
          body: String(row['body']),
          attempt: attempts + 1,
          group: typeof group === 'string' ? group : null,
        });
      }
      return deliveries;
    },

    complete: ({ queue, seq, attempt }) => remove.run(seq, queue, attempt).changes === 1,

    release: ({ queue, seq, attempt, visible_at }) => delay.run(visible_at, seq, queue, attempt).changes === 1,

    bury: ({ now, queue, seq, attempt, reason }) => buryDelivery(reason, now, seq, queue, attempt),

    redrive({ now, queue, seqs }) {
      let revived = 0;
      for (const seq of seqs) {
        revived += Number(revive.run(now, seq, queue).changes);
        unbury.run(seq, queue);
      }
      return revived;
    },
  };
}
