import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Principal } from '../../domain/call.ts';
import { SignetError } from '../../domain/errors.ts';
import type { EntryEvent } from '../../domain/events/event-of.ts';
import { eventId, type SealedEvent } from '../../domain/events/sealed-event.ts';
import { isToldTo, type ToldEntry } from '../../domain/events/told-log.ts';
import { topicScopes, type Topic } from '../../domain/events/topics.ts';
import type { JsonObject } from '../../domain/json.ts';
import { errorMessage, readMessage } from './read-message.ts';

/**
 * The protocol of the event socket without a socket: what is known of one connection, and one function from an input to
 * the next state and what is to be done. A state is JSON, so that a host whose process ends between two messages can
 * keep it in a row.
 */
export interface SocketState {
  readonly principal: Principal;
  readonly subscriptions: readonly Subscription[];
  /** Messages that may come at once; refilled by the clock. */
  readonly credit: { readonly messages: number; readonly at: number };
  /** Set by the last input that a connection is given. */
  readonly is_closed: boolean;
}

export interface Subscription {
  readonly topic: Topic;
  /** The last `seq` that was looked at for it: whoever subscribes with it again misses nothing. */
  readonly cursor: number;
  /** Entries before the present ones are still being read. */
  readonly is_behind: boolean;
  /** Events that its backlog had so far. */
  readonly backlog: number;
}

export type SocketInput =
  /** @param now Unix milliseconds, as everywhere here */
  | { readonly kind: 'arrived'; readonly now: number }
  | { readonly kind: 'text'; readonly bytes: Uint8Array; readonly now: number }
  | { readonly kind: 'binary' }
  /** The log's answer to `seek`. `is_reset`: what followed the client's own cursor is too old to be told. */
  | {
      readonly kind: 'found';
      readonly topic: Topic;
      readonly cursor: number;
      readonly oldest: number;
      readonly is_reset: boolean;
    }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** An entry of the backlog of one topic. */
  | { readonly kind: 'earlier'; readonly topic: Topic; readonly entry: ToldEntry }
  | { readonly kind: 'caught_up'; readonly topic: Topic }
  | { readonly kind: 'entry'; readonly entry: ToldEntry }
  | { readonly kind: 'sealed'; readonly event: SealedEvent }
  | { readonly kind: 'status'; readonly facts: JsonObject }
  | { readonly kind: 'ended'; readonly why: SocketEnd };

export type SocketEnd = 'restart' | 'auth' | 'policy' | 'slow' | 'rate' | 'internal';

export type SocketEffect =
  | { readonly kind: 'send'; readonly message: JsonObject }
  /** Find where this topic goes on, answer with `found` or `failed`, then with what is `earlier`, then `caught_up`. */
  | { readonly kind: 'seek'; readonly topic: Topic; readonly after?: number }
  | { readonly kind: 'tell_status' }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string };

export interface Step {
  readonly state: SocketState;
  readonly effects: readonly SocketEffect[];
}

export type SocketLimits = Pick<typeof limits.socket, 'topics_max' | 'messages_per_s' | 'backlog_max'>;

export function openedSocket(principal: Principal, now: number): SocketState {
  const credit = { messages: limits.socket.messages_per_s, at: now };
  return { principal, subscriptions: [], credit, is_closed: false };
}

/** Pure: the same state and input give the same step. A closed connection does nothing more. */
export function stepSocket(state: SocketState, input: SocketInput, bounds: SocketLimits = limits.socket): Step {
  if (state.is_closed) return stay(state);
  switch (input.kind) {
    case 'arrived':
      return arrived(state, input.now, bounds);
    case 'binary':
      return stay(state, refusal('expected text messages'));
    case 'text':
      return understood(state, input, bounds);
    case 'found':
      return found(state, input);
    case 'failed':
      return stay(state, { kind: 'send', message: errorMessage(input.error) });
    case 'earlier':
      return earlier(state, input, bounds);
    case 'caught_up':
      return stay(changed(state, input.topic, (one) => ({ ...one, is_behind: false, backlog: 0 })));
    case 'entry':
      return told(state, input.entry);
    case 'sealed':
      return sealed(state, input.event);
    case 'status': {
      const subscriptions = state.subscriptions.map(({ topic, cursor }) => ({ topic, cursor }));
      return stay(state, { kind: 'send', message: { type: 'status', ...input.facts, subscriptions } });
    }
    case 'ended': {
      const [code, reason] = ends[input.why];
      return { state: { ...state, subscriptions: [], is_closed: true }, effects: [{ kind: 'close', code, reason }] };
    }
    default:
      return input satisfies never;
  }
}

/** What a connection is told when it ends, by its close code. */
const ends: { readonly [End in SocketEnd]: readonly [number, string] } = {
  policy: [1008, 'this key may no longer follow what it subscribed to'],
  internal: [1011, 'an error of ours'],
  restart: [1012, 'the node restarts: connect again with your cursors'],
  auth: [4401, 'the key expired or was revoked'],
  slow: [4408, 'events were not read as fast as they came'],
  rate: [4429, 'too many messages'],
};

function arrived(state: SocketState, now: number, { messages_per_s }: SocketLimits): Step {
  const passed_s = Math.max(0, now - state.credit.at) / 1000;
  const messages = Math.min(messages_per_s, state.credit.messages + passed_s * messages_per_s) - 1;
  if (messages < 0) return stepSocket(state, { kind: 'ended', why: 'rate' });
  return stay({ ...state, credit: { messages, at: now } });
}

function understood(
  state: SocketState,
  { bytes, now }: { bytes: Uint8Array; now: number },
  bounds: SocketLimits,
): Step {
  try {
    const request = readMessage(bytes);
    switch (request.type) {
      case 'ping':
        return stay(state, { kind: 'send', message: { type: 'pong', timestamp: Math.floor(now / 1000) } });
      case 'status':
        return stay(state, { kind: 'tell_status' });
      case 'subscribe': {
        const { topic, cursor } = request;
        checkTopic(state, topic, bounds);
        return stay(without(state, topic), { kind: 'seek', topic, ...(cursor === undefined ? {} : { after: cursor }) });
      }
      case 'unsubscribe': {
        const { topic } = request;
        const cursor = state.subscriptions.find((one) => one.topic === topic)?.cursor;
        const message = { type: 'unsubscribed', topic, ...(cursor === undefined ? {} : { cursor }) };
        return stay(without(state, topic), { kind: 'send', message });
      }
      default:
        return request satisfies never;
    }
  } catch (error) {
    return stay(state, { kind: 'send', message: errorMessage(error) });
  }
}

function checkTopic({ principal, subscriptions }: SocketState, topic: Topic, { topics_max }: SocketLimits): void {
  const scope = topicScopes[topic];
  if (!principal.scopes.includes(scope)) {
    const detail = `the topic \`${topic}\` needs the scope \`${scope}\``;
    throw new SignetError({ code: 'policy_denied', detail, param: 'topic' });
  }
  const others = subscriptions.filter((one) => one.topic !== topic);
  if (others.length < topics_max) return;
  throw new SignetError({ code: 'invalid_request', detail: `expected at most ${topics_max} topics`, param: 'topic' });
}

function found(state: SocketState, { topic, cursor, oldest, is_reset }: Extract<SocketInput, { kind: 'found' }>): Step {
  const subscription: Subscription = { topic, cursor, is_behind: true, backlog: 0 };
  const next = { ...state, subscriptions: [...without(state, topic).subscriptions, subscription] };
  const reset: readonly SocketEffect[] = is_reset ? [{ kind: 'send', message: { type: 'reset', topic, oldest } }] : [];
  return stay(next, ...reset, { kind: 'send', message: { type: 'subscribed', topic, cursor, oldest } });
}

function earlier(
  state: SocketState,
  { topic, entry }: Extract<SocketInput, { kind: 'earlier' }>,
  { backlog_max }: SocketLimits,
): Step {
  const subscription = state.subscriptions.find((one) => one.topic === topic && one.is_behind);
  if (subscription === undefined || entry.seq <= subscription.cursor) return stay(state);
  const messages = messagesOf(state, entry, topic);
  // Full, and there is more: it goes on when the client asks from here, so that a backlog is read as fast as it wants.
  if (messages.length > 0 && subscription.backlog + messages.length > backlog_max) {
    const message = { type: 'more', topic, cursor: entry.seq - 1 };
    return stay(without(state, topic), { kind: 'send', message });
  }
  const backlog = subscription.backlog + messages.length;
  const next = changed(state, topic, (one) => ({ ...one, cursor: entry.seq, backlog }));
  return stay(next, ...messages.map((message) => ({ kind: 'send', message }) as const));
}

function told(state: SocketState, entry: ToldEntry): Step {
  const effects: SocketEffect[] = [];
  const subscriptions = state.subscriptions.map((one) => {
    if (one.is_behind || entry.seq <= one.cursor) return one;
    for (const message of messagesOf(state, entry, one.topic)) effects.push({ kind: 'send', message });
    // The seal itself is told when it is known: until then nothing of it was.
    return one.topic === 'ledger.sealed' ? one : { ...one, cursor: entry.seq };
  });
  return { state: { ...state, subscriptions }, effects };
}

function sealed(state: SocketState, event: SealedEvent): Step {
  const { topic, seq } = event;
  const subscription = state.subscriptions.find((one) => one.topic === topic);
  if (subscription === undefined || seq <= subscription.cursor) return stay(state);
  const next = changed(state, topic, (one) => ({ ...one, cursor: seq }));
  return stay(next, { kind: 'send', message: onceMade(event, () => ({ type: 'event', ...event })) });
}

function messagesOf({ principal }: SocketState, entry: ToldEntry, topic: Topic): readonly JsonObject[] {
  if (entry.events.length === 0 || !isToldTo(entry, principal.tenant)) return [];
  return entry.events.filter((event) => event.topic === topic).map((event) => messageOf(entry, event));
}

function messageOf({ seq, receipt_id = '' }: ToldEntry, event: EntryEvent): JsonObject {
  return onceMade(event, () => {
    const { topic, occurred_at, subject, data } = event;
    return { type: 'event', topic, seq, id: eventId(receipt_id, topic), occurred_at, subject, data, receipt_id };
  });
}

/** One object for all connections, so that a host may encode it once. */
function onceMade(event: object, make: () => JsonObject): JsonObject {
  const known = messages.get(event);
  if (known !== undefined) return known;
  const message = make();
  messages.set(event, message);
  return message;
}

const messages = new WeakMap<object, JsonObject>();

function refusal(detail: string): SocketEffect {
  return { kind: 'send', message: errorMessage(new SignetError({ code: 'invalid_request', detail })) };
}

function stay(state: SocketState, ...effects: readonly SocketEffect[]): Step {
  return { state, effects };
}

function without(state: SocketState, topic: Topic): SocketState {
  return { ...state, subscriptions: state.subscriptions.filter((one) => one.topic !== topic) };
}

function changed(state: SocketState, topic: Topic, change: (one: Subscription) => Subscription): SocketState {
  return { ...state, subscriptions: state.subscriptions.map((one) => (one.topic === topic ? change(one) : one)) };
}
