import type { FollowedEvent } from '../domain/events/events.ts';
import type { StreamPiece } from './answer.ts';
import type { StreamFacts } from './event-stream.ts';
import { problem, toSignetError } from './render-error.ts';

/** Events of the log under the index of their entry; a client that was cut off resumes with `Last-Event-ID`. */
export async function* eventPieces(
  events: AsyncIterable<FollowedEvent>,
  facts: StreamFacts,
): AsyncGenerator<StreamPiece, void, void> {
  try {
    for await (const { kind, ...told } of events) {
      const id = 'cursor' in told && told.cursor >= 0 ? `id: ${told.cursor}\n` : '';
      const name = 'topic' in told ? told.topic : kind;
      yield { text: `${id}event: ${name}\ndata: ${JSON.stringify({ type: kind, ...told })}\n\n` };
    }
  } catch (thrown) {
    const error = toSignetError(thrown, facts.signal);
    facts.onError(error, thrown);
    yield { text: `event: error\ndata: ${JSON.stringify(problem(error, facts.request_id))}\n\n`, ended: 'badly' };
  }
}
