import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ToldEntry } from '../../domain/events/told-log.ts';
import { topics } from '../../domain/events/topics.ts';
import type { JsonObject } from '../../domain/json.ts';
import { scopes } from '../../domain/scopes.ts';
import { openedSocket, stepSocket, type SocketState } from './socket-machine.ts';

const principal = { kind: 'key', id: 'k', tenant: 'default', scopes } as const;

test('any bytes are answered by exactly one message or one thing to do, and never by an end', () => {
  const texts = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    fc
      .record(
        {
          type: fc.constantFrom('ping', 'status', 'subscribe', 'unsubscribe', 'x'),
          topic: fc.constantFrom(...topics, 'x', 1),
          cursor: fc.oneof(fc.integer(), fc.double(), fc.string()),
        },
        { requiredKeys: [] },
      )
      .map((value) => new TextEncoder().encode(JSON.stringify(value))),
  );
  fc.assert(
    fc.property(fc.array(texts, { maxLength: 20 }), (messages) => {
      let state = openedSocket(principal, 0);
      for (const bytes of messages) {
        const step = stepSocket(state, { kind: 'text', bytes, now: 0 });
        expect(step.effects).toHaveLength(1);
        expect(step.effects[0]?.kind).not.toBe('close');
        state = step.state;
      }
    }),
  );
});

/** The log, read by one connection in any interleaving of backlog, live events and a lost connection. */
test('a reader that resumes with its cursor is told every entry once, in order, whatever interleaves', () => {
  const steps = fc.array(fc.constantFrom('append', 'read', 'lose'), { maxLength: 60 });
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 5 }), (plan, backlog_max) => {
      const bounds = { topics_max: 1, messages_per_s: 1e9, backlog_max };
      const topic = 'run.completed' as const;
      const log: ToldEntry[] = [];
      const heard: unknown[] = [];
      let cursor = -1;
      let state: SocketState;
      const take = (input: Parameters<typeof stepSocket>[1]): void => {
        const step = stepSocket(state, input, bounds);
        state = step.state;
        for (const effect of step.effects) if (effect.kind === 'send') hear(effect.message);
      };
      const hear = (message: JsonObject): void => {
        if (message['type'] === 'event') heard.push((cursor = message['seq'] as number));
        if (message['type'] === 'more') subscribe();
      };
      const subscribe = (): void => take({ kind: 'found', topic, cursor, oldest: 0, is_reset: false });
      const connect = (): void => {
        state = openedSocket(principal, 0);
        subscribe();
      };
      const read = (): void => {
        const behind = state.subscriptions.find((one) => one.is_behind);
        if (behind === undefined) return;
        const entry = log[behind.cursor + 1];
        take(entry === undefined ? { kind: 'caught_up', topic } : { kind: 'earlier', topic, entry });
      };
      connect();
      for (const step of plan) {
        if (step === 'append') {
          const entry = {
            seq: log.length,
            events: [{ topic, occurred_at: 0, subject: '', data: {} }],
            receipt_id: 'r',
            tenant: 'default',
          };
          log.push(entry);
          take({ kind: 'entry', entry });
        } else if (step === 'read') read();
        else connect();
      }
      for (let left = 0; left <= 4 * log.length; left += 1) read();
      expect(heard).toEqual(log.map(({ seq }) => seq));
    }),
  );
});
