import type { JsonObject } from '@signet/functions/domain/json.ts';
import { readEvents } from '../read-events.ts';
import { refusalOf } from './ask-node.ts';
import type { EventCursors } from './event-cursors.ts';
import { NodeError } from './node-error.ts';

/** Events of one connection to `GET /api/v1/events`, for nodes that hold no sockets. @throws {NodeError} */
export async function* serverSentEvents(
  { url, token }: { readonly url: string; readonly token: string | undefined },
  cursors: EventCursors,
  signal: AbortSignal,
): AsyncGenerator<JsonObject, void, void> {
  const after = cursors.safe;
  const query = new URLSearchParams({
    topics: cursors.topics.join(','),
    ...(after === undefined ? {} : { cursor: `${after}` }),
  });
  const answer = await fetch(`${url}/api/v1/events?${query.toString()}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    redirect: 'error',
    signal,
  }).catch((cause: unknown) => {
    throw new NodeError(
      { kind: 'unavailable', code: 'node_unavailable', detail: `no node answers at ${url}` },
      { cause },
    );
  });
  if (!answer.ok) {
    throw refusalOf({ status: answer.status, body: (await answer.json().catch(() => ({}))) as JsonObject });
  }
  for await (const { id, event, data } of readEvents(answer)) {
    const told = JSON.parse(data) as JsonObject;
    if (event === 'error') throw refusalOf({ status: 200, body: told });
    yield told;
    // One number for all topics here.
    if (id !== undefined) for (const topic of cursors.topics) cursors.move(topic, Number(id));
  }
}
