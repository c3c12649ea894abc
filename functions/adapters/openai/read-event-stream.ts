import { createParser } from 'eventsource-parser';
import { SignetError } from '../../domain/errors.ts';
import type { ProviderChunk } from '../../domain/ports/provider.ts';
import { cleanMessage } from './map-failure.ts';
import { readChunk } from './read-chunk.ts';
import type { UpstreamResponse } from './upstream.ts';

/**
 * The chunks of a stream, each as soon as its bytes are there. The answer is whole when every choice that began has a
 * finish reason; `[DONE]` alone proves nothing, and its absence after the finish is forgiven.
 * @throws {SignetError} `provider_malformed` when it is not a stream of chunks or ends early, `provider_error` when it says so
 */
export async function* readEventStream(
  response: UpstreamResponse,
  { line_bytes_max, name }: { line_bytes_max: number; name: string },
): AsyncGenerator<ProviderChunk, void, void> {
  if (!response.isEventStream) throw malformed(name, 'did not answer with an event stream');
  const events: string[] = [];
  const parser = createParser({ onEvent: (event) => void events.push(event.data) });
  const decoder = new TextDecoder();
  const open = new Set<number>();
  const finished = new Set<number>();
  let hasChoice = false;
  let line_bytes = 0;

  for await (const bytes of response.pieces()) {
    line_bytes = lineAfter(bytes, line_bytes, line_bytes_max);
    if (line_bytes > line_bytes_max) throw malformed(name, `sent a line of over ${line_bytes_max} bytes`);
    parser.feed(decoder.decode(bytes, { stream: true }));
    for (const event of events.splice(0)) {
      if (event === '[DONE]') {
        if (!hasChoice || open.size > 0) throw malformed(name, 'ended without a finish reason');
        return;
      }
      const chunk = readEvent(event, name);
      for (const choice of chunk.choices) {
        hasChoice = true;
        if (choice.finish_reason !== undefined) finished.add(choice.index);
        else if (!finished.has(choice.index)) open.add(choice.index);
        if (finished.has(choice.index)) open.delete(choice.index);
      }
      yield chunk;
    }
  }
  if (!hasChoice || open.size > 0) throw malformed(name, 'ended before the answer did');
}

/** Bytes of the line that is open after `bytes`, or of the first line that is over `most`. */
function lineAfter(bytes: Uint8Array, before: number, most: number): number {
  let open = before;
  let from = 0;
  for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, from)) {
    if (open + end - from > most) return open + end - from;
    open = 0;
    from = end + 1;
  }
  return open + bytes.length - from;
}

function readEvent(event: string, name: string): ProviderChunk {
  let value: unknown;
  try {
    value = JSON.parse(event);
  } catch {
    throw malformed(name, 'sent an event that is not JSON');
  }
  const error = (value as { error?: unknown } | null)?.error;
  if (error !== undefined && error !== null) {
    const message = (error as { message?: unknown }).message;
    const told = typeof message === 'string' ? cleanMessage(message) : 'no reason given';
    throw new SignetError({ code: 'provider_error', detail: `\`${name}\` broke off: ${told}` });
  }
  const chunk = readChunk(value, 'delta');
  if (chunk === undefined) throw malformed(name, 'sent an event that is not a chunk');
  return chunk;
}

function malformed(name: string, what: string): SignetError {
  return new SignetError({ code: 'provider_malformed', detail: `\`${name}\` ${what}` });
}
