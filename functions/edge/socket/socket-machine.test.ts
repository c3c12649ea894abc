import { describe, expect, test } from '@jest/globals';
import { nodeTenant } from '../../domain/content/keys.ts';
import type { ToldEntry } from '../../domain/events/told-log.ts';
import { topics, type Topic } from '../../domain/events/topics.ts';
import type { JsonObject } from '../../domain/json.ts';
import { scopes, type Scope } from '../../domain/scopes.ts';
import { openedSocket, stepSocket, type SocketInput, type SocketState } from './socket-machine.ts';

const bounds = { topics_max: 3, messages_per_s: 4, backlog_max: 3 };

/** A connection, and what it was sent. */
function connection({ held = scopes, tenant = 'default' }: { held?: readonly Scope[]; tenant?: string } = {}) {
  let state: SocketState = openedSocket({ kind: 'key', id: 'k', tenant, scopes: held }, 0);
  const sent: JsonObject[] = [];
  const asked: object[] = [];
  const give = (input: SocketInput): void => {
    // A host may keep the state in a row between any two inputs.
    state = JSON.parse(JSON.stringify(state)) as SocketState;
    const step = stepSocket(state, input, bounds);
    state = step.state;
    for (const effect of step.effects) {
      if (effect.kind === 'send') sent.push(effect.message);
      else asked.push(effect);
    }
  };
  const say = (message: unknown): void =>
    give({ kind: 'text', bytes: new TextEncoder().encode(JSON.stringify(message)), now: 5_999 });
  return {
    give,
    say,
    sent,
    asked,
    state: () => state,
    subscribe: (topic: Topic, cursor: number): void => {
      say({ type: 'subscribe', topic, cursor });
      give({ kind: 'found', topic, cursor, oldest: 0, is_reset: false });
    },
  };
}

function entry(seq: number, topic: Topic = 'run.completed', tenant = 'default'): ToldEntry {
  const event = { topic, occurred_at: 1, subject: `s${seq}`, data: {} };
  return { seq, events: [event], receipt_id: `r${seq}`, tenant };
}

const numbers = (sent: readonly JsonObject[]): unknown[] =>
  sent.filter(({ type }) => type === 'event').map(({ seq }) => seq);

describe('a message', () => {
  test.each([
    [{ type: 'ping' }, { type: 'pong', timestamp: 5 }],
    [
      { type: 'unsubscribe', topic: 'run.completed' },
      { type: 'unsubscribed', topic: 'run.completed' },
    ],
  ])('%j is answered %j', (message, answer) => {
    const { say, sent } = connection();
    say(message);
    expect(sent).toEqual([answer]);
  });

  test.each<[unknown, string, string | undefined]>([
    [null, 'invalid_request', undefined],
    [[], 'invalid_request', undefined],
    [{}, 'invalid_request', 'type'],
    [{ type: 'hello' }, 'invalid_request', 'type'],
    [{ type: 'ping', more: 1 }, 'invalid_request', 'more'],
    [{ type: 'status', topic: 'run.completed' }, 'invalid_request', 'topic'],
    [{ type: 'unsubscribe', topic: 'run.completed', cursor: 1 }, 'invalid_request', 'cursor'],
    [{ type: 'subscribe' }, 'invalid_request', 'topic'],
    [{ type: 'subscribe', topic: 5 }, 'invalid_request', 'topic'],
    [{ type: 'subscribe', topic: 'nothing' }, 'invalid_request', 'topic'],
    [{ type: 'subscribe', topic: 'run.completed', cursor: -2 }, 'invalid_request', 'cursor'],
    [{ type: 'subscribe', topic: 'run.completed', cursor: 0.5 }, 'invalid_request', 'cursor'],
    [{ type: 'subscribe', topic: 'run.completed', cursor: '1' }, 'invalid_request', 'cursor'],
    [{ type: 'subscribe', topic: 'bus:jobs' }, 'not_built', 'topic'],
    [{ type: 'subscribe', topic: 'peer.joined' }, 'not_built', 'topic'],
    [{ type: 'subscribe', topic: 'pattern.elevated' }, 'not_built', 'topic'],
  ])('%j is refused with %s, and the connection stays', (message, code, param) => {
    const { say, sent, asked } = connection();
    say(message);
    expect(sent).toEqual([
      {
        type: 'error',
        code,
        detail: expect.any(String),
        ...(code === 'not_built' ? { reason: 'feature.off' } : {}),
        ...(param === undefined ? {} : { param }),
      },
    ]);
    expect(asked).toEqual([]);
    say({ type: 'ping' });
    expect(sent.at(-1)).toMatchObject({ type: 'pong' });
  });

  test.each([
    ['{', 'json.syntax'],
    ['{"type":"ping","type":"status"}', 'json.duplicate_key'],
    ['{"type":"subscribe","topic":"\\ud800"}', 'json.string'],
    ['[[[[[[[]]]]]]]', 'json.depth'],
    ['{"type":"ping"} {}', 'json.syntax'],
    ['', 'json.syntax'],
  ])('%s is refused with %s', (text, reason) => {
    const { give, sent } = connection();
    give({ kind: 'text', bytes: new TextEncoder().encode(text), now: 0 });
    expect(sent).toMatchObject([{ type: 'error', code: 'invalid_json', reason }]);
  });

  test('that is binary, or no UTF-8, is refused', () => {
    const { give, sent } = connection();
    give({ kind: 'binary' });
    give({ kind: 'text', bytes: new Uint8Array([0x22, 0xff, 0x22]), now: 0 });
    expect(sent).toMatchObject([{ code: 'invalid_request' }, { code: 'invalid_json', reason: 'json.utf8' }]);
  });
});

describe('a topic', () => {
  test.each(topics)('%s needs its scope', (topic) => {
    const { say, sent, asked } = connection({ held: ['events'] });
    say({ type: 'subscribe', topic });
    expect(sent).toMatchObject([{ type: 'error', code: 'policy_denied', param: 'topic' }]);
    expect(asked).toEqual([]);
  });

  test('is one of so many at most; one that is followed already may be asked for anew', () => {
    const { subscribe, say, sent, asked } = connection();
    for (const topic of ['run.completed', 'decision.refused', 'identity.changed'] as const) subscribe(topic, 1);
    say({ type: 'subscribe', topic: 'policy.changed' });
    expect(sent.at(-1)).toMatchObject({ type: 'error', code: 'invalid_request', param: 'topic' });
    say({ type: 'subscribe', topic: 'run.completed', cursor: 7 });
    expect(asked.at(-1)).toEqual({ kind: 'seek', topic: 'run.completed', after: 7 });
  });

  test('whose cursor is too old is reset before it is subscribed', () => {
    const { say, give, sent } = connection();
    say({ type: 'subscribe', topic: 'run.completed', cursor: 1 });
    give({ kind: 'found', topic: 'run.completed', cursor: 8, oldest: 9, is_reset: true });
    expect(sent).toEqual([
      { type: 'reset', topic: 'run.completed', oldest: 9 },
      { type: 'subscribed', topic: 'run.completed', cursor: 8, oldest: 9 },
    ]);
  });
});

describe('events', () => {
  test('are told as they are, under the index of their entry', () => {
    const { subscribe, give, sent } = connection();
    subscribe('run.completed', 3);
    give({ kind: 'earlier', topic: 'run.completed', entry: entry(4) });
    expect(sent.at(-1)).toEqual({
      type: 'event',
      topic: 'run.completed',
      seq: 4,
      id: 'r4.run.completed',
      occurred_at: 1,
      subject: 's4',
      data: {},
      receipt_id: 'r4',
    });
  });

  test('of the backlog come before the live ones, each once, whatever overlaps', () => {
    const { subscribe, give, sent } = connection();
    subscribe('run.completed', 3);
    give({ kind: 'earlier', topic: 'run.completed', entry: entry(4) });
    give({ kind: 'entry', entry: entry(5) });
    give({ kind: 'earlier', topic: 'run.completed', entry: entry(4) });
    give({ kind: 'earlier', topic: 'run.completed', entry: entry(5) });
    give({ kind: 'caught_up', topic: 'run.completed' });
    give({ kind: 'entry', entry: entry(5) });
    give({ kind: 'entry', entry: entry(6) });
    expect(numbers(sent)).toEqual([4, 5, 6]);
  });

  test('of the backlog end with `more` where it is full, and go on from its cursor', () => {
    const { subscribe, give, sent, state } = connection();
    const backlog = (from: number) => {
      for (let seq = from; seq < 8; seq += 1) give({ kind: 'earlier', topic: 'run.completed', entry: entry(seq) });
    };
    subscribe('run.completed', 0);
    backlog(1);
    expect(sent.at(-1)).toEqual({ type: 'more', topic: 'run.completed', cursor: 3 });
    expect(state().subscriptions).toEqual([]);
    subscribe('run.completed', 3);
    backlog(4);
    subscribe('run.completed', 6);
    backlog(7);
    expect(numbers(sent)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('of another tenant or topic are not told and still move the cursor', () => {
    const { subscribe, give, sent, say } = connection();
    subscribe('run.completed', 0);
    give({ kind: 'earlier', topic: 'run.completed', entry: entry(1, 'run.completed', 'acme') });
    give({ kind: 'caught_up', topic: 'run.completed' });
    give({ kind: 'entry', entry: entry(2, 'run.completed', 'acme') });
    give({ kind: 'entry', entry: entry(3, 'decision.refused') });
    give({ kind: 'entry', entry: entry(4, 'run.completed', nodeTenant) });
    expect(numbers(sent)).toEqual([4]);
    say({ type: 'status' });
    give({ kind: 'status', facts: { uptime_secs: 1 } });
    const subscriptions = [{ topic: 'run.completed', cursor: 4 }];
    expect(sent.at(-1)).toEqual({ type: 'status', uptime_secs: 1, subscriptions });
  });

  test('end with `unsubscribe`, which says where to go on', () => {
    const { subscribe, give, sent, say } = connection();
    subscribe('run.completed', 0);
    give({ kind: 'caught_up', topic: 'run.completed' });
    give({ kind: 'entry', entry: entry(1) });
    say({ type: 'unsubscribe', topic: 'run.completed' });
    give({ kind: 'entry', entry: entry(2) });
    expect(sent.at(-1)).toEqual({ type: 'unsubscribed', topic: 'run.completed', cursor: 1 });
  });

  test('of the log itself are told once for each size', () => {
    const { subscribe, give, sent } = connection();
    const event = (size: number) => ({
      topic: 'ledger.sealed' as const,
      seq: size - 1,
      id: `${size}-r`,
      occurred_at: 1,
      subject: 'log',
      data: { size, root: 'r' },
    });
    subscribe('ledger.sealed', 3);
    for (const size of [4, 5, 5, 7]) give({ kind: 'sealed', event: event(size) });
    expect(numbers(sent)).toEqual([4, 6]);
  });
});

describe('the end', () => {
  test.each([
    ['policy', 1008],
    ['internal', 1011],
    ['restart', 1012],
    ['auth', 4401],
    ['slow', 4408],
    ['rate', 4429],
  ] as const)('%s has the code %i, and nothing comes after it', (why, code) => {
    const { subscribe, give, say, sent, asked } = connection();
    subscribe('run.completed', 0);
    const before = sent.length;
    give({ kind: 'ended', why });
    give({ kind: 'entry', entry: entry(1) });
    say({ type: 'ping' });
    give({ kind: 'ended', why });
    expect(asked.slice(1)).toEqual([{ kind: 'close', code, reason: expect.any(String) }]);
    expect(sent).toHaveLength(before);
  });

  test('comes to whoever sends faster than the rate, and not to who sends at it', () => {
    const steady = connection();
    for (let now = 0; now < 10_000; now += 250) steady.give({ kind: 'arrived', now });
    expect(steady.asked).toEqual([]);
    const hasty = connection();
    for (let count = 0; count < 4; count += 1) hasty.give({ kind: 'arrived', now: 0 });
    expect(hasty.asked).toEqual([]);
    hasty.give({ kind: 'arrived', now: 100 });
    expect(hasty.asked).toEqual([{ kind: 'close', code: 4429, reason: expect.any(String) }]);
  });
});
