import type { Json, JsonObject } from '@signet/functions/domain/json.ts';
import { refusalOf } from './ask-node.ts';
import type { EventCursors } from './event-cursors.ts';

/**
 * Events of one connection to `/api/v1/ws`, until it ends. Each event carries `cursor`: everything up to there was told,
 * of all topics. The key travels as a sub-protocol, which every WebSocket client can send.
 * @throws {NodeError} what the node refused; a connection that ends otherwise just ends
 */
export async function* socketEvents(
  { url, token = '' }: { readonly url: string; readonly token: string | undefined },
  cursors: EventCursors,
  signal: AbortSignal,
): AsyncGenerator<JsonObject, void, void> {
  const address = `${url.replace(/^http/, 'ws')}${url.endsWith('/ws') ? '' : '/api/v1/ws'}`;
  const socket = new WebSocket(address, ['signet.v1', `bearer.${token}`]);
  const queue: JsonObject[] = [];
  let wake = (): void => undefined;
  let isOver = false;
  let heard_at = Date.now();
  const say = (message: JsonObject): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  };
  const subscribe = (topic: string, cursor: number | undefined): void =>
    say({ type: 'subscribe', topic, ...(cursor === undefined ? {} : { cursor }) });
  const end = (): void => {
    isOver = true;
    wake();
  };
  socket.addEventListener('open', () => {
    for (const topic of cursors.topics) subscribe(topic, cursors.of(topic));
  });
  socket.addEventListener('message', ({ data }) => {
    heard_at = Date.now();
    queue.push(JSON.parse(String(data)) as JsonObject);
    // Whoever handles events more slowly than they come goes on with its cursors once it has caught up.
    if (queue.length >= queued_max) socket.close();
    wake();
  });
  socket.addEventListener('close', end);
  socket.addEventListener('error', end);
  // Keeps the connection in use, notices one that is dead, and tells how far topics without events have come.
  const beat = setInterval(() => {
    if (Date.now() - heard_at > silence_ms_max) socket.close();
    say({ type: 'status' });
  }, beat_ms);
  beat.unref();
  signal.addEventListener('abort', end, { once: true });
  try {
    while (!signal.aborted) {
      const message = queue.shift();
      if (message === undefined) {
        if (isOver) return;
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      const told = handled(message, cursors, subscribe);
      if (told !== undefined) yield told;
    }
  } finally {
    clearInterval(beat);
    signal.removeEventListener('abort', end);
    socket.close();
  }
}

/** What of a message its reader is told. */
function handled(
  message: JsonObject,
  cursors: EventCursors,
  subscribe: (topic: string, cursor: number | undefined) => void,
): JsonObject | undefined {
  const type = textOf(message['type']);
  const topic = textOf(message['topic']);
  const cursor = Number(message['cursor']);
  switch (type) {
    case 'event':
      cursors.move(topic, Number(message['seq']));
      return { ...message, ...(cursors.safe === undefined ? {} : { cursor: cursors.safe }) };
    case 'reset':
      cursors.move(topic, Number(message['oldest']) - 1);
      return message;
    case 'subscribed':
      cursors.move(topic, cursor);
      return undefined;
    case 'more':
      cursors.move(topic, cursor);
      subscribe(topic, cursor);
      return undefined;
    case 'status':
      for (const one of message['subscriptions'] as readonly JsonObject[]) {
        cursors.move(textOf(one['topic']), Number(one['cursor']));
      }
      return undefined;
    case 'error':
      throw refusalOf({ status: statusOf(message), body: message });
    default:
      return undefined;
  }
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

/** A message has no status; what matters of it is whether asking again may help. */
function statusOf({ code }: JsonObject): number {
  if (code === 'internal') return 503;
  return code === 'policy_denied' ? 403 : 400;
}

const queued_max = 20_000;
const beat_ms = 60_000;
const silence_ms_max = 150_000;
