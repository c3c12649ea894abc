import type { GenerationEvent } from '../domain/inference/inference.ts';
import type { StreamPiece } from './answer.ts';
import type { StreamFacts } from './event-stream.ts';
import { problem, toSignetError } from './render-error.ts';

/** A generation's events: `text` as it comes, then `done` with what was measured; an `error` ends it instead. */
export async function* generationPieces(
  events: AsyncIterable<GenerationEvent>,
  facts: StreamFacts,
): AsyncGenerator<StreamPiece, void, void> {
  try {
    for await (const { kind, ...data } of events) {
      const told = kind === 'done' ? { request_id: facts.request_id, ...data } : data;
      const text = `event: ${kind}\ndata: ${JSON.stringify(told)}\n\n`;
      yield kind === 'done' ? { text, ended: 'well' } : { text };
    }
  } catch (thrown) {
    const error = toSignetError(thrown, facts.signal);
    facts.onError(error, thrown);
    yield { text: `event: error\ndata: ${JSON.stringify(problem(error, facts.request_id))}\n\n`, ended: 'badly' };
  }
}
