import { SignetError } from '../../domain/errors.ts';
import type { OpenAiProviderOptions } from './openai-provider.ts';
import { RefusedByUpstream } from './map-failure.ts';

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
export function upstream({ name, base_url, api_key, fetch, limits }: OpenAiProviderOptions): Upstream {
  const base = base_url.replace(/\/+$/, '');

  async function headers(): Promise<UpstreamInit['headers']> {
    const key = await api_key?.();
    return {
      accept: 'application/json, text/event-stream',
      ...(key === undefined || key === '' ? {} : { authorization: `Bearer ${key}` }),
    };
  }

  /** Follows no redirect: a key must not travel to a place that nobody configured. */
  async function send(path: string, init: UpstreamInit): Promise<Response> {
    const response = await fetch(`${base}/${path}`, { ...init, redirect: 'manual' });
    if (response.ok) return response;
    const said = await startOf(response, refusal_bytes_max);
    // Some servers repeat the key that they refuse, or the headers that they do not understand.
    const key = init.headers.authorization?.slice('Bearer '.length);
    const text = key === undefined ? said : said.replaceAll(key, '***');
    throw new RefusedByUpstream({
      status: response.status,
      text,
      retry_after: response.headers.get('retry-after'),
    });
  }

  return {
    async getJson(path, signal) {
      const response = await send(path, { headers: await headers(), signal });
      const text = await wholeText(response.body, list_bytes_max, name);
      try {
        return JSON.parse(text) as unknown;
      } catch {
        throw new SignetError({ code: 'provider_malformed', detail: `\`${name}\` did not answer in JSON` });
      }
    },

    async post(path, body, signal, left_ms) {
      const stop = new AbortController();
      const follow = (): void => stop.abort(signal.reason);
      if (signal.aborted) follow();
      signal.addEventListener('abort', follow, { once: true });
      const total = after(left_ms, () => stop.abort(timeout(name, 'the whole answer')));
      const silence = after(limits.first_byte_ms, () => stop.abort(timeout(name, 'the first byte')));
      const close = (): void => {
        clearTimeout(total);
        clearTimeout(silence);
        signal.removeEventListener('abort', follow);
        stop.abort(new Error('closed'));
      };

      try {
        const sent = { 'content-type': 'application/json', ...(await headers()) };
        const response = await send(path, { method: 'POST', headers: sent, body, signal: stop.signal });
        // The headers are there; a first piece of the body may take as long as any other.
        clearTimeout(silence);
        return {
          isEventStream: (response.headers.get('content-type') ?? '').includes('text/event-stream'),
          pieces: () => pieces(response, stop),
          text: (bytes_max) => wholeText(pieces(response, stop), bytes_max, name),
          close,
        };
      } catch (error) {
        const reason: unknown = stop.signal.aborted ? stop.signal.reason : error;
        close();
        throw reason;
      }
    },
  };

  async function* pieces(response: Response, stop: AbortController): AsyncGenerator<Uint8Array, void, void> {
    if (response.body === null) return;
    const reader = response.body.getReader();
    const idle = after(limits.idle_ms, () => stop.abort(timeout(name, 'the next piece')));
    try {
      for (;;) {
        // The time that our own reader takes is not the server's silence: the clock runs only while we wait.
        idle.refresh();
        const { done, value } = await reader.read();
        if (done) return;
        yield value;
      }
    } catch (error) {
      throw stop.signal.aborted ? stop.signal.reason : error;
    } finally {
      clearTimeout(idle);
      reader.releaseLock();
    }
  }
}

interface UpstreamInit extends RequestInit {
  readonly headers: Record<string, string> & { readonly authorization?: string };
}

const refusal_bytes_max = 65_536;
const list_bytes_max = 4 * 1024 * 1024;

function after(ms: number, act: () => void): NodeJS.Timeout {
  return setTimeout(act, Math.max(0, ms));
}

function timeout(name: string, what: string): SignetError {
  return new SignetError({ code: 'provider_timeout', detail: `\`${name}\` did not send ${what} in time` });
}

async function wholeText(body: AsyncIterable<Uint8Array> | null, bytes_max: number, name: string): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
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
async function startOf(response: Response, bytes_max: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of response.body ?? []) {
      parts.push(part);
      bytes += part.length;
      if (bytes >= bytes_max) break;
    }
  } catch {
    return '';
  }
  return Buffer.concat(parts).toString('utf8', 0, bytes_max);
}
