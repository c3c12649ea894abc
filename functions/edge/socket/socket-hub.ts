import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Now, Principal } from '../../domain/call.ts';
import { isSignetError } from '../../domain/errors.ts';
import type { EventFeed, FeedItem } from '../../domain/events/event-feed.ts';
import { sealedEvent } from '../../domain/events/sealed-event.ts';
import type { ToldLog } from '../../domain/events/told-log.ts';
import { topicScopes, type Topic } from '../../domain/events/topics.ts';
import type { JsonObject } from '../../domain/json.ts';
import { openedSocket, stepSocket, type SocketInput, type SocketLimits } from './socket-machine.ts';

/** A connection as its host carries it. */
export interface SocketWire {
  /** Takes a message and does not wait. */
  send(text: string): void;
  /** What was taken and is not on its way yet. */
  queued(): { readonly bytes: number; readonly messages: number };
  /** Resolves when little is queued, or the connection is over. */
  drained(): Promise<void>;
  close(code: number, reason: string): void;
}

export interface OpenSocket {
  /** A message came; binary ones have no meaning here. */
  receive(message: Uint8Array | 'binary'): void;
  /** The connection is over. */
  gone(): void;
}

/** What a node says of itself to a connection. */
export interface SocketFacts {
  readonly version: string;
  readonly node_id: string;
  readonly uptime_secs: number;
  readonly requests: number;
  readonly head: { readonly size: number; readonly root: string };
}

/** The event sockets of this process. */
export interface SocketHub {
  /** Open ones. */
  readonly count: number;
  /** @param bearer by which it is asked again and again whether the key is still good */
  open(request: { readonly wire: SocketWire; readonly principal: Principal; readonly bearer: string }): OpenSocket;
  /** Asks of every open connection whether its key may still follow; done each second besides. */
  audit(): Promise<void>;
  /** Ends all of them: the node restarts. */
  close(): void;
}

export interface SocketHubOptions {
  readonly log: Pick<ToldLog, 'head' | 'read' | 'oldest'>;
  readonly feed: EventFeed;
  readonly facts: () => Promise<SocketFacts>;
  readonly authenticate: (bearer: string) => Promise<Principal | undefined>;
  readonly now: Now;
  readonly onError: (error: unknown) => void;
  readonly bounds?: SocketLimits & Pick<typeof limits.socket, 'queued_bytes_max' | 'queued_max'>;
  readonly audit_every_ms?: number;
}

/**
 * Runs the machine of `socket-machine.ts` for each connection over one feed. A subscription reads what is before it from
 * the log, at the reader's pace, and joins the feed at the very entry where it has caught up. Live events wait for
 * nobody: a connection that lags beyond the bounds is ended, and comes back with its cursor.
 */
export function makeSocketHub({
  log,
  feed,
  facts,
  authenticate,
  now,
  onError,
  bounds = limits.socket,
  audit_every_ms = 1000,
}: SocketHubOptions): SocketHub {
  const connections = new Set<Connection>();
  let listening: Promise<() => void> | undefined;
  let auditing: NodeJS.Timeout | undefined;
  let oldest = { index: 0, until: 0 };

  interface Connection {
    readonly bearer: string;
    apply(input: SocketInput): unknown;
    topics(): readonly Topic[];
  }

  return {
    get count() {
      return connections.size;
    },
    open,
    audit,
    close() {
      for (const connection of connections) connection.apply({ kind: 'ended', why: 'restart' });
    },
  };

  function open({ wire, principal, bearer }: Parameters<SocketHub['open']>[0]): OpenSocket {
    let state = openedSocket(principal, now());
    let waiting = 0;
    const connection: Connection = { bearer, apply, topics: () => state.subscriptions.map(({ topic }) => topic) };
    connections.add(connection);
    listen();
    let work = done(welcome);

    return {
      receive(message) {
        apply({ kind: 'arrived', now: now() });
        if (state.is_closed) return;
        waiting += 1;
        if (waiting > waiting_max) apply({ kind: 'ended', why: 'rate' });
        else work = inOrder(work, message);
      },
      gone() {
        state = { ...state, is_closed: true };
        leave(connection);
      },
    };

    /** What it gives back takes time, and is done in the connection's own order. */
    function apply(input: SocketInput): readonly (() => Promise<void>)[] {
      const step = stepSocket(state, input, bounds);
      state = step.state;
      const later: (() => Promise<void>)[] = [];
      for (const effect of step.effects) {
        switch (effect.kind) {
          case 'send':
            // A message of the same step may have been one too many.
            if (!state.is_closed) send(effect.message);
            break;
          case 'seek':
            later.push(() => follow(effect.topic, effect.after));
            break;
          case 'tell_status':
            later.push(tellStatus);
            break;
          case 'close':
            wire.close(effect.code, effect.reason);
            leave(connection);
            break;
          default:
            effect satisfies never;
        }
      }
      return later;
    }

    function send(message: JsonObject): void {
      wire.send(encoded(message));
      const { bytes, messages } = wire.queued();
      if (bytes > bounds.queued_bytes_max || messages > bounds.queued_max) apply({ kind: 'ended', why: 'slow' });
    }

    async function inOrder(before: Promise<void>, message: Uint8Array | 'binary'): Promise<void> {
      await before;
      await done(() => answer(message));
    }

    /** Nothing of what a client asks may end its connection but what the machine ends it for. */
    async function done(task: () => Promise<void>): Promise<void> {
      if (state.is_closed) return;
      try {
        await task();
      } catch (error) {
        if (!isSignetError(error)) onError(error);
        apply({ kind: 'failed', error });
      }
    }

    async function welcome(): Promise<void> {
      await listening;
      const { version, node_id, head } = await facts();
      const { messages_per_s, topics_max, backlog_max, queued_bytes_max, queued_max } = bounds;
      const told = { message_bytes: limits.socket.message_bytes_max, topics: topics_max, messages_per_s };
      const most = { ...told, backlog: backlog_max, queued_bytes: queued_bytes_max, queued: queued_max };
      if (!state.is_closed) send({ type: 'welcome', version, node_id, head, limits: most });
    }

    async function answer(message: Uint8Array | 'binary'): Promise<void> {
      waiting -= 1;
      const input: SocketInput =
        message === 'binary' ? { kind: 'binary' } : { kind: 'text', bytes: message, now: now() };
      for (const task of apply(input)) await task();
    }

    async function tellStatus(): Promise<void> {
      const { uptime_secs, requests, head } = await facts();
      apply({ kind: 'status', facts: { uptime_secs, requests, head } });
    }

    async function follow(topic: Topic, after: number | undefined): Promise<void> {
      const place = await placeOf(after);
      apply({ kind: 'found', topic, ...place });
      for (;;) {
        const behind = state.subscriptions.find((one) => one.topic === topic && one.is_behind);
        if (behind === undefined) return;
        if (behind.cursor + 1 >= feed.position) {
          apply({ kind: 'caught_up', topic });
          return;
        }
        if (topic === 'ledger.sealed') {
          apply({ kind: 'sealed', event: sealedEvent(await log.head(), now()) });
          apply({ kind: 'caught_up', topic });
          return;
        }
        const entries = await log.read(behind.cursor + 1, feed.position);
        if (entries.length === 0) throw new Error('expected entries of the log that were told already');
        for (const entry of entries) {
          apply({ kind: 'earlier', topic, entry });
          if (isFull(wire.queued())) await wire.drained();
        }
      }
    }
  }

  /** Where a subscription goes on: taken at the same moment as the feed's position, so that nothing falls between. */
  async function placeOf(after: number | undefined): Promise<{ cursor: number; oldest: number; is_reset: boolean }> {
    const first = await oldestTold();
    if (after === undefined) return { cursor: feed.position - 1, oldest: first, is_reset: false };
    // One that is ahead of the log is waited for: another reader may have been told more than this feed has looked at.
    const is_reset = after + 1 < first;
    return { cursor: is_reset ? first - 1 : after, oldest: first, is_reset };
  }

  /** What is too old changes slowly, and finding it reads the log. */
  async function oldestTold(): Promise<number> {
    if (now() >= oldest.until) oldest = { index: await log.oldest(feed.position), until: now() + oldest_kept_ms };
    return oldest.index;
  }

  function listen(): void {
    auditing ??= setInterval(() => void audit(), audit_every_ms).unref();
    if (listening !== undefined) return;
    // One of its own each time: the end of an earlier listening must not end this one.
    const begun = feed.listen((item) => tell(item));
    listening = begun;
    begun.catch((error: unknown) => {
      onError(error);
      if (listening === begun) listening = undefined;
      for (const connection of connections) connection.apply({ kind: 'ended', why: 'internal' });
    });
  }

  function leave(connection: Connection): void {
    if (!connections.delete(connection) || connections.size > 0) return;
    clearInterval(auditing);
    auditing = undefined;
    void listening?.then((stop) => stop()).catch(() => undefined);
    listening = undefined;
  }

  function tell(item: FeedItem): void {
    const input: SocketInput =
      item.kind === 'entry'
        ? { kind: 'entry', entry: item.entry }
        : { kind: 'sealed', event: sealedEvent(item.head, now()) };
    for (const connection of connections) connection.apply(input);
  }

  async function audit(): Promise<void> {
    const known = new Map<string, Promise<Principal | undefined>>();
    // Some end while others are asked.
    const asked_now = Array.from(connections);
    for (const connection of asked_now) {
      const asked = known.get(connection.bearer) ?? authenticate(connection.bearer);
      known.set(connection.bearer, asked);
      try {
        const principal = await asked;
        if (principal === undefined) connection.apply({ kind: 'ended', why: 'auth' });
        else if (!mayFollow(principal, connection.topics())) connection.apply({ kind: 'ended', why: 'policy' });
      } catch (error) {
        // Who cannot be asked now is asked again in a second.
        onError(error);
        return;
      }
    }
  }
}

function mayFollow({ scopes }: Principal, topics: readonly Topic[]): boolean {
  return scopes.includes('events') && topics.every((topic) => scopes.includes(topicScopes[topic]));
}

/** An event goes to many: it is encoded once. */
function encoded(message: JsonObject): string {
  const known = texts.get(message);
  if (known !== undefined) return known;
  const text = JSON.stringify(message);
  texts.set(message, text);
  return text;
}

const texts = new WeakMap<JsonObject, string>();
const oldest_kept_ms = 60_000;

/** A backlog waits for its reader from here on, far below what ends a connection. */
function isFull({ bytes, messages }: ReturnType<SocketWire['queued']>): boolean {
  return bytes > 65_536 || messages > 256;
}

/** Messages that wait for an answer before them: more than the rate lets a client send in some seconds. */
const waiting_max = 100;
