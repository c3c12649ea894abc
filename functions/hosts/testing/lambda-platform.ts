import { Writable } from 'node:stream';
import type { LambdaContext } from '../with-deadline.ts';
import type { ResponseStream, StreamingPlatform } from '../lambda-host.ts';

export function contextOf({ remaining_ms = 60_000, id = 'invocation-1' } = {}): LambdaContext {
  return { awsRequestId: id, getRemainingTimeInMillis: () => remaining_ms };
}

/** What came out of one streamed invocation. */
export interface Streamed {
  readonly prelude: {
    readonly statusCode: number;
    readonly headers?: Record<string, string>;
    readonly multiValueHeaders?: Record<string, string[]>;
    readonly cookies?: string[];
  };
  readonly body: string;
  readonly chunks: readonly Buffer[];
  readonly is_ended: boolean;
  readonly error?: unknown;
}

/** A stream that takes what it is given, or refuses with a broken connection from the nth chunk on. */
export class RecordedStream extends Writable {
  readonly chunks: Buffer[] = [];
  readonly breaks_at: number;
  /** Set by `HttpResponseStream.from`: the runtime writes a prelude before the first write, and never without one. */
  prelude: Buffer | undefined;

  constructor({ breaks_at = Infinity, highWaterMark = 16_384 } = {}) {
    super({ highWaterMark });
    this.breaks_at = breaks_at;
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    if (this.chunks.length >= this.breaks_at) {
      done(new Error('the connection broke'));
      return;
    }
    if (this.prelude !== undefined) this.chunks.push(this.prelude);
    this.prelude = undefined;
    this.chunks.push(chunk);
    setImmediate(done);
  }
}

/** The runtime's `awslambda`, as far as it is documented: prelude JSON, eight NUL bytes, then the body. */
export function recordedPlatform(): StreamingPlatform & {
  invoke(
    handler: unknown,
    event: unknown,
    options?: { context?: LambdaContext; stream?: RecordedStream },
  ): Promise<Streamed>;
} {
  return {
    streamifyResponse: (handler) => handler as never,
    HttpResponseStream: {
      from(stream: ResponseStream, prelude: object) {
        const recorded = stream as RecordedStream;
        recorded.prelude = Buffer.concat([Buffer.from(JSON.stringify(prelude)), Buffer.alloc(8)]);
        return recorded;
      },
    },
    async invoke(handler, event, { context = contextOf(), stream = new RecordedStream() } = {}) {
      let error: unknown;
      try {
        await (handler as (event: unknown, stream: ResponseStream, context: LambdaContext) => Promise<void>)(
          event,
          stream,
          context,
        );
      } catch (thrown) {
        error = thrown;
        // What was written goes out; an error in the trailers takes the place of the end.
        while (stream.writableLength > 0 && !stream.destroyed) await new Promise((resolve) => setImmediate(resolve));
        stream.destroy();
      }
      if (stream.writableEnded && !stream.writableFinished)
        await new Promise((resolve) => stream.once('finish', resolve));
      return { ...split(stream.chunks), is_ended: stream.writableFinished, error };
    },
  };
}

function split(chunks: readonly Buffer[]): Pick<Streamed, 'prelude' | 'body' | 'chunks'> {
  const all = Buffer.concat(chunks);
  const end = all.indexOf(Buffer.alloc(8));
  if (end < 0) return { prelude: { statusCode: 0 }, body: all.toString(), chunks };
  return {
    prelude: JSON.parse(all.subarray(0, end).toString()) as Streamed['prelude'],
    body: all.subarray(end + 8).toString(),
    chunks,
  };
}
