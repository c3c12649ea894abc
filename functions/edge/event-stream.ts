import type { ChatStreamEvent } from '../domain/chat/chat.ts';
import type { RunEvent } from '../domain/runs/runs.ts';
import type { StreamPiece } from './answer.ts';
import { openAiError, problem, toSignetError } from './render-error.ts';

export const streamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  'x-accel-buffering': 'no',
} as const;

/** OpenAI's stream: chunks, then `[DONE]`; after an error its event and no `[DONE]`, so that no client takes it for whole. */
export async function* chatPieces(
  events: AsyncIterable<ChatStreamEvent>,
  facts: StreamFacts,
): AsyncGenerator<StreamPiece, void, void> {
  try {
    for await (const event of events) {
      yield { text: event.kind === 'chunk' ? `data: ${JSON.stringify(event.chunk)}\n\n` : comment(event.text) };
    }
  } catch (thrown) {
    const error = toSignetError(thrown, facts.signal);
    facts.onError(error, thrown);
    const receipt = error.receipt === undefined ? '' : comment(`signet-receipt ${error.receipt}`);
    yield { text: `${receipt}data: ${JSON.stringify(openAiError(error))}\n\n`, ended: 'badly' };
    return;
  }
  yield { text: 'data: [DONE]\n\n', ended: 'well' };
}

/** A run's events under their gapless ids; a client resumes with `Last-Event-ID`. */
export async function* runPieces(
  events: AsyncIterable<RunEvent>,
  facts: StreamFacts,
): AsyncGenerator<StreamPiece, void, void> {
  try {
    for await (const { id, event, data } of events) {
      yield { text: `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n` };
    }
  } catch (thrown) {
    const error = toSignetError(thrown, facts.signal);
    facts.onError(error, thrown);
    yield { text: `event: error\ndata: ${JSON.stringify(problem(error, facts.request_id))}\n\n`, ended: 'badly' };
  }
}

export interface StreamFacts {
  readonly request_id: string;
  readonly signal: AbortSignal;
  /** For the log: the event that goes out says nothing of what is ours. */
  onError(error: ReturnType<typeof toSignetError>, thrown: unknown): void;
}

/**
 * The bytes of an event stream. It is pulled, never pushed: with no buffer of its own, the next event is asked for when
 * the host has taken the last one, and the host stops asking while 64 KiB wait in the socket. So a slow reader pauses
 * the provider, and a gone one ends the iteration.
 */
export function byteStream(
  pieces: AsyncIterable<StreamPiece>,
  { beat_ms, onClose }: { beat_ms: number; onClose?: () => void },
): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let pending: Promise<IteratorResult<StreamPiece>> | undefined;
  let started = false;

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        // A piece that was waited for in vain stays asked for: a beat goes out in its place, not instead of it.
        started = true;
        pending ??= iterator.next();
        const next = await orBeat(pending, beat_ms);
        if (next === beat) {
          controller.enqueue(encoder.encode(comment('beat')));
          return;
        }
        pending = undefined;
        if (next.done === true) {
          controller.close();
          onClose?.();
          return;
        }
        controller.enqueue(encoder.encode(next.value.text));
      },
      async cancel() {
        onClose?.();
        // A generator that never ran skips its `finally`, where a decision is closed: it is let in before it is ended.
        if (!started) await iterator.next();
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/**
 * The bytes of JSON that is long in coming: a space goes out for each `beat_ms` without it, which every reader of JSON
 * skips. Nobody waits for a body that was left by its reader, but what makes it goes on.
 */
export function slowBody(body: Promise<string>, { beat_ms }: { beat_ms: number }): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const text = await orBeat(body, beat_ms);
        controller.enqueue(encoder.encode(text === beat ? ' ' : text));
        if (text !== beat) controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}

const beat = Symbol('beat');

async function orBeat<T>(pending: Promise<T>, beat_ms: number): Promise<T | typeof beat> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<typeof beat>((resolve) => {
    timer = setTimeout(() => resolve(beat), beat_ms);
    timer.unref();
  });
  try {
    return await Promise.race([pending, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** A line of its own that every reader skips; a newline in it would end the comment and start a field. */
function comment(text: string): string {
  return `: ${text.replace(/[\r\n]+/g, ' ')}\n\n`;
}
