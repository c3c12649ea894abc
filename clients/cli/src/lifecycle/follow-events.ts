import type { JsonObject } from '@signet/functions/domain/json.ts';
import { readEvents } from '../read-events.ts';
import { refusalOf } from './ask-node.ts';
import { NodeError } from './node-error.ts';

export interface EventRequest {
  readonly topics: readonly string[];
  /** The last `cursor` that was handled; absent: only what comes from now on. */
  readonly after?: number;
  /** Ends the events. */
  readonly signal?: AbortSignal;
}

const failures_max = 5;

/**
 * Events of the node's log. A connection that breaks or ends is taken up again after the last event, with growing
 * pauses; five failures in a row are an error. An event may come twice, under the same `id`.
 * @throws {NodeError}
 */
export async function* followEvents(
  node: () => Promise<{ readonly url: string; readonly token: string | undefined }>,
  { topics, after, signal = new AbortController().signal }: EventRequest,
): AsyncGenerator<JsonObject, void, void> {
  let cursor = after;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const answer = await connect(await node(), { topics, cursor, signal });
      for await (const { id, event, data } of readEvents(answer)) {
        failures = 0;
        const told = JSON.parse(data) as JsonObject;
        if (event === 'error') throw refusalOf({ status: 200, body: told });
        yield told;
        if (id !== undefined) cursor = Number(id);
      }
    } catch (error) {
      if (signal.aborted) return;
      failures += 1;
      if (isFinal(error) || failures === failures_max) throw error;
    }
    await paused(100 * failures, signal);
  }
}

async function connect(
  { url, token }: { readonly url: string; readonly token: string | undefined },
  { topics, cursor, signal }: { topics: readonly string[]; cursor: number | undefined; signal: AbortSignal },
): Promise<Response> {
  const query = new URLSearchParams({
    topics: topics.join(','),
    ...(cursor === undefined ? {} : { cursor: `${cursor}` }),
  });
  let answer: Response;
  try {
    answer = await fetch(`${url}/api/v1/events?${query.toString()}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
      redirect: 'error',
      signal,
    });
  } catch (cause) {
    throw new NodeError(
      { kind: 'unavailable', code: 'node_unavailable', detail: `no node answers at ${url}` },
      { cause },
    );
  }
  if (answer.ok) return answer;
  const body = (await answer.json().catch(() => ({}))) as JsonObject;
  throw refusalOf({ status: answer.status, body });
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
