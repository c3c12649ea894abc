import type { JsonObject } from '@signet/functions/domain/json.ts';
import { answerOf, refusalOf } from './ask-node.ts';
import { EventCursors } from './event-cursors.ts';
import { NodeError } from './node-error.ts';
import { serverSentEvents } from './server-sent-events.ts';
import { socketEvents } from './socket-events.ts';

export interface EventRequest {
  readonly topics: readonly string[];
  /** The last `cursor` that was handled; absent: only what comes from now on. */
  readonly after?: number;
  /** Ends the events. */
  readonly signal?: AbortSignal;
}

interface Address {
  readonly url: string;
  readonly token: string | undefined;
}

const failures_max = 5;
const ask_ms_max = 10_000;
const short_ms = 5_000;

/**
 * Events of the node's log, over its socket, or server-sent where it has none. A connection that breaks or ends is taken
 * up again after the last event of each topic, with growing pauses; five failures in a row are an error. An event may
 * come twice, under the same `id`.
 * @throws {NodeError}
 */
export async function* followEvents(
  node: () => Promise<Address>,
  { topics, after, signal = new AbortController().signal }: EventRequest,
): AsyncGenerator<JsonObject, void, void> {
  const cursors = new EventCursors(topics, after);
  let failures = 0;
  while (!signal.aborted) {
    const began = Date.now();
    try {
      const address = await node();
      const socket = await socketOf(address);
      const events = socket === undefined ? serverSentEvents : socketEvents;
      for await (const event of events(socket ?? address, cursors, signal)) {
        failures = 0;
        yield event;
      }
      // A node ends a connection from time to time; one that does so at once has a reason that it does not tell.
      failures = Date.now() - began < short_ms ? failures + 1 : 0;
      if (failures >= failures_max) throw gone(address.url);
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      if (isFinal(error) || failures >= failures_max) throw error;
    }
    await paused(100 * failures, signal);
  }
}

/**
 * Where the node holds sockets: here, or at the address that it names; undefined where it has none. Asked before each
 * connection, because a refused handshake tells a client nothing of its reason.
 */
async function socketOf(address: Address): Promise<Address | undefined> {
  const answer = await answerOf(address, { method: 'GET', path: '/api/v1/ws', wait_ms: ask_ms_max });
  if (answer.status === 426) {
    const { url } = answer.body;
    return typeof url === 'string' ? { ...address, url } : address;
  }
  if (answer.status === 501) return undefined;
  throw refusalOf(answer);
}

function gone(url: string): NodeError {
  return new NodeError({ kind: 'unavailable', code: 'node_unavailable', detail: `${url} ends every connection` });
}

/** Refused for what was asked: asking again would be refused again. */
function isFinal(error: unknown): boolean {
  return error instanceof NodeError && error.kind === 'refused' && error.status !== 429 && (error.status ?? 0) < 502;
}

async function paused(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
