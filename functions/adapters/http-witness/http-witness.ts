import type { WitnessClient } from '../../domain/ports/witness-client.ts';

/**
 * Witnesses over HTTP. By `fetch`: a request a second at most, and behind the log, does not need what chats need
 * (docs/decisions/0090). No credentials go out; a redirect is an answer like any other, so that nobody sends the
 * signed request on.
 */
export function httpWitness(): WitnessClient {
  return {
    async addCheckpoint({ url, body, timeout_ms, signal }) {
      const timeout = AbortSignal.timeout(timeout_ms);
      const response = await fetch(`${url.replace(/\/+$/, '')}/add-checkpoint`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'text/plain; charset=utf-8', 'user-agent': 'signet' },
        redirect: 'manual',
        credentials: 'omit',
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
      }).catch((cause: unknown) => {
        throw new Error(`it did not answer: ${reasonOf(cause)}`, { cause });
      });
      const [type = ''] = (response.headers.get('content-type') ?? '').split(';');
      return { status: response.status, type: type.trim().toLowerCase(), body: await textOf(response) };
    },
  };
}

/** The specification's bound of a request; an answer is a few lines. */
const answer_bytes_max = 65_536;

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const body: AsyncIterable<Uint8Array> =
    response.body ?? new ReadableStream<Uint8Array>({ start: (it) => it.close() });
  for await (const chunk of body) {
    length += chunk.length;
    if (length > answer_bytes_max) throw new Error(`it answered more than ${answer_bytes_max} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
