import type { IncomingMessage } from 'node:http';
import { SignetError } from '../../domain/errors.ts';
import type { OpenAiProviderOptions } from './openai-provider.ts';
import { RefusedByUpstream } from './map-failure.ts';
import { sendRequest, type Exchange } from './send-request.ts';

/** An answer whose status was good. */
export interface UpstreamResponse {
  readonly isEventStream: boolean;
  /** Pieces of the body as they come; throws after `idle_ms` without one. */
  pieces(): AsyncGenerator<Uint8Array, void, void>;
  /** The whole body, of at most so many bytes. */
  text(bytes_max: number): Promise<string>;
  /** Cancels whatever is still under way. */
  close(): void;
}

export interface Upstream {
  getJson(path: string, signal: AbortSignal): Promise<unknown>;
  /** @throws {RefusedByUpstream} for a bad status; `SignetError` `provider_timeout` when it takes too long */
  post(path: string, body: string, signal: AbortSignal, left_ms: number): Promise<UpstreamResponse>;
}

/** HTTP to one server, with its deadlines: until the headers, between two pieces, and over all. */
export function upstream({ name, base_url, api_key, limits }: OpenAiProviderOptions): Upstream {
  const base = base_url.replace(/\/+$/, '');

  async function headers(): Promise<SentHeaders> {
    const key = await api_key?.();
    return {
      accept: 'application/json, text/event-stream',
      ...(key === undefined || key === '' ? {} : { authorization: `Bearer ${key}` }),
    };
  }

  /** Follows no redirect: a key must not travel to a place that nobody configured. */
  async function goodAnswer(exchange: Exchange, sent: SentHeaders): Promise<IncomingMessage> {
    const response = await exchange.response;
    const { statusCode: status = 0 } = response;
    if (status >= 200 && status < 300) return response;
    const said = await startOf(response, refusal_bytes_max);
    // Some servers repeat the key that they refuse, or the headers that they do not understand.
    const key = sent.authorization?.slice('Bearer '.length);
    const text = key === undefined ? said : said.replaceAll(key, '***');
    throw new RefusedByUpstream({ status, text, retry_after: response.headers['retry-after'] ?? null });
  }

  return {
    async getJson(path, signal) {
      const sent = await headers();
      const exchange = sendRequest({ url: `${base}/${path}`, method: 'GET', headers: sent });
      const unfollow = follow(signal, (reason) => exchange.cancel(reason));
      try {
        const text = await wholeText(await goodAnswer(exchange, sent), list_bytes_max, name);
        return parseJson(text, name);
      } finally {
        unfollow();
        exchange.close();
      }
    },

    async post(path, body, signal, left_ms) {
      const sent = { 'content-type': 'application/json', ...(await headers()) };
      const exchange = sendRequest({ url: `${base}/${path}`, method: 'POST', headers: sent, body });
      const stopped: Stopped = { reason: undefined };
      const stop = (reason: Error): void => {
        stopped.reason ??= reason;
        exchange.cancel(reason);
      };
      const unfollow = follow(signal, stop);
      const total = after(left_ms, () => stop(timeout(name, 'the whole answer')));
      const silence = after(limits.first_byte_ms, () => stop(timeout(name, 'the first byte')));
      const close = (): void => {
        clearTimeout(total);
        clearTimeout(silence);
        unfollow();
        exchange.close();
      };

      try {
        const response = await goodAnswer(exchange, sent);
        // The headers are there; a first piece of the body may take as long as any other.
        clearTimeout(silence);
        return {
          isEventStream: (response.headers['content-type'] ?? '').includes('text/event-stream'),
          pieces: () => pieces(response, stop, stopped),
          text: (bytes_max) => wholeText(pieces(response, stop, stopped), bytes_max, name),
          close,
        };
      } catch (error) {
        close();
        throw stopped.reason ?? error;
      }
    },
  };

  async function* pieces(
    response: IncomingMessage,
    stop: (reason: Error) => void,
    stopped: Stopped,
  ): AsyncGenerator<Uint8Array, void, void> {
    const idle = after(limits.idle_ms, () => stop(timeout(name, 'the next piece')));
    try {
      // Not destroyed when the reader leaves: `close` keeps the connection of an answer that has come to its end.
      const body = response.iterator({ destroyOnReturn: false });
      for (;;) {
        // The time that our own reader takes is not the server's silence: the clock runs only while we wait.
        idle.refresh();
        const { done, value } = (await body.next()) as IteratorResult<Uint8Array, undefined>;
        if (done === true) return;
        yield value;
      }
    } catch (error) {
      throw stopped.reason ?? error;
    } finally {
      clearTimeout(idle);
    }
  }
}

interface SentHeaders extends Record<string, string> {
  readonly authorization?: string;
}

/** Why a request was ended by us; the stream that breaks says only that it did. */
interface Stopped {
  reason: Error | undefined;
}

const refusal_bytes_max = 65_536;
const list_bytes_max = 4 * 1024 * 1024;

function after(ms: number, act: () => void): NodeJS.Timeout {
  return setTimeout(act, Math.max(0, ms));
}

function timeout(name: string, what: string): SignetError {
  return new SignetError({ code: 'provider_timeout', detail: `\`${name}\` did not send ${what} in time` });
}

/** Ends the exchange with its caller; call the result when it is over. */
function follow(signal: AbortSignal, cancel: (reason: Error) => void): () => void {
  const abort = (): void => cancel(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new SignetError({ code: 'provider_malformed', detail: `\`${name}\` did not answer in JSON` });
  }
}

async function wholeText(body: AsyncIterable<Uint8Array>, bytes_max: number, name: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body) {
    parts.push(part);
    bytes += part.length;
    if (bytes > bytes_max) {
      throw new SignetError({
        code: 'provider_malformed',
        detail: `\`${name}\` answered with more than ${bytes_max} bytes`,
      });
    }
  }
  return Buffer.concat(parts).toString('utf8');
}

/** The beginning of a refusal; what follows is not worth the wait, and a failure to read it changes nothing. */
async function startOf(response: IncomingMessage, bytes_max: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of response as AsyncIterable<Uint8Array>) {
      parts.push(part);
      bytes += part.length;
      if (bytes >= bytes_max) break;
    }
  } catch {
    return '';
  }
  return Buffer.concat(parts).toString('utf8', 0, bytes_max);
}
