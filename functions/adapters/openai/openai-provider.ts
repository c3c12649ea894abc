import type { RandomBytes, Now } from '../../domain/call.ts';
import { errorRecord, SignetError } from '../../domain/errors.ts';
import type { ChatProvider, ModelInfo, ProviderChunk, ProviderRequest, Tier } from '../../domain/ports/provider.ts';
import { mapFailure, type UpstreamFailure } from './map-failure.ts';
import { readCompletion } from './read-completion.ts';
import { readEventStream } from './read-event-stream.ts';
import { upstream, type Upstream } from './upstream.ts';
import { writeRequest } from './write-request.ts';

/** How a server that speaks the protocol differs from OpenAI's: data, so that no provider needs code of its own. */
export interface OpenAiQuirks {
  /** The name it knows for the limit of the answer; OpenAI's newer models know only the second. Default `max_tokens`. */
  readonly max_tokens_field?: 'max_tokens' | 'max_completion_tokens';
  /** Ask for usage at the end of a stream; false for servers that refuse `stream_options`. Default true. */
  readonly stream_usage?: boolean;
  /** Takes `response_format` of type `json_schema`. Default true. */
  readonly json_schema?: boolean;
  /** Calls tools. Default true. */
  readonly tools?: boolean;
  /** False: the server gives one choice whatever `n` says, so `n` requests are made at once. Default true. */
  readonly choices?: boolean;
  /** Models to offer, the default first, for servers without `/models` or with too many. */
  readonly models?: readonly string[];
}

/** `provider` of `shared/limits.json`. */
export interface ProviderLimits {
  readonly first_byte_ms: number;
  readonly idle_ms: number;
  readonly total_ms: number;
  readonly sse_line_bytes_max: number;
  readonly attempts_max: number;
  readonly retry_base_ms: number;
  readonly retry_max_ms: number;
  readonly retry_after_max_ms: number;
}

export interface OpenAiProviderOptions {
  readonly name: string;
  /** Up to and with `/v1`. */
  readonly base_url: string;
  /** Asked before each request, so that a rotated key is taken up; undefined for servers that want none. */
  readonly api_key?: () => Promise<string | undefined>;
  readonly tier: Exclude<Tier, 'edge'>;
  readonly quirks?: OpenAiQuirks;
  readonly now: Now;
  readonly random: RandomBytes;
  readonly limits: ProviderLimits;
}

/**
 * Any server that speaks OpenAI's chat protocol: OpenAI, Groq, Ollama, llama.cpp, vLLM.
 *
 * What may be retried is retried before the first piece only, three attempts with full jitter or the server's
 * `Retry-After`; after it, an error ends the answer. Ending the iteration or aborting the signal cancels the request
 * upstream. The key goes into one header and nowhere else.
 */
export function openAiProvider(options: OpenAiProviderOptions): ChatProvider {
  const { name, tier, quirks = {}, limits, now } = options;
  const server = upstream(options);
  let listed: { models: readonly ModelInfo[]; at: number } | undefined;
  let listing: Promise<readonly ModelInfo[]> | undefined;

  async function list(): Promise<readonly ModelInfo[]> {
    try {
      const answer = await server.getJson('models', AbortSignal.timeout(limits.first_byte_ms));
      const models = modelsOf(answer, options);
      listed = { models, at: now() };
      return models;
    } catch (error) {
      throw mapFailure(error, name).error;
    }
  }

  return {
    name,
    tier,

    async models(signal) {
      if (quirks.models !== undefined) return quirks.models.map((id, index) => describe(id, options, index === 0));
      if (listed !== undefined && now() - listed.at < list_kept_ms) return listed.models;
      // One request serves all who wait; it does not end with the one who happened to ask first.
      listing ??= list().finally(() => (listing = undefined));
      return orAbort(listing, signal);
    },

    async probe(signal) {
      try {
        return idsOf(await server.getJson('models', signal), name);
      } catch (error) {
        const failure = mapFailure(error, name).error;
        // A server whose models are configured may list none: it refused the path, so it answers.
        if (quirks.models !== undefined && failure.code === 'provider_rejected') return undefined;
        throw failure;
      }
    },

    chat(request, signal) {
      return quirks.choices === false && (request.n ?? 1) > 1
        ? choicesApart(request, signal, (one, stop) => attempt(one, stop))
        : attempt(request, signal);
    },
  };

  async function* attempt(request: ProviderRequest, signal: AbortSignal): AsyncGenerator<ProviderChunk, void, void> {
    const deadline = now() + limits.total_ms;
    for (let number = 1; ; number++) {
      let hasPiece = false;
      try {
        for await (const chunk of answer(server, request, signal, deadline - now())) {
          hasPiece = true;
          yield chunk;
        }
        return;
      } catch (error) {
        signal.throwIfAborted();
        const failure = mapFailure(error, name);
        const wait_ms = hasPiece ? undefined : waitBefore(failure, number);
        if (wait_ms === undefined || now() + wait_ms >= deadline) throw failure.error;
        await pause(wait_ms, signal);
      }
    }
  }

  /** Milliseconds until the next attempt, or undefined if there is none. */
  function waitBefore({ error, retry_after_ms }: UpstreamFailure, number: number): number | undefined {
    const { retry } = errorRecord(error.code);
    if (!retry || number >= limits.attempts_max) return undefined;
    if (retry_after_ms !== undefined) return retry_after_ms <= limits.retry_after_max_ms ? retry_after_ms : undefined;
    const ceiling = Math.min(limits.retry_max_ms, limits.retry_base_ms * 2 ** (number - 1));
    return Math.floor(fraction(options.random) * ceiling);
  }

  async function* answer(
    server: Upstream,
    request: ProviderRequest,
    signal: AbortSignal,
    left_ms: number,
  ): AsyncGenerator<ProviderChunk, void, void> {
    const response = await server.post('chat/completions', writeRequest(request, quirks), signal, left_ms);
    try {
      if (request.stream) yield* readEventStream(response, { line_bytes_max: limits.sse_line_bytes_max, name });
      else yield* readCompletion(await response.text(completion_bytes_max), name);
    } finally {
      response.close();
    }
  }
}

const list_kept_ms = 300_000;
const completion_bytes_max = 16 * 1024 * 1024;

function modelsOf(answer: unknown, options: OpenAiProviderOptions): readonly ModelInfo[] {
  const ids = idsOf(answer, options.name);
  return ids.map((id) => describe(id, options, ids.length === 1));
}

function idsOf(answer: unknown, name: string): readonly string[] {
  const rows = (answer as { data?: unknown } | null)?.data;
  if (!Array.isArray(rows)) {
    throw new SignetError({ code: 'provider_malformed', detail: `\`${name}\` gave no list of models` });
  }
  return rows.flatMap((row: unknown) => {
    const id = (row as { id?: unknown } | null)?.id;
    return typeof id === 'string' && id !== '' && id.length <= 256 ? [id] : [];
  });
}

/** `/models` says nothing of what a model does; names of embedding models do. */
function describe(id: string, { name, tier, quirks = {} }: OpenAiProviderOptions, isDefault: boolean): ModelInfo {
  const base = { id: `${name}/${id}`, provider: name, tier, owned_by: name };
  if (/(^|[-_/:.])(embed|embedding|embeddings|bge|e5|minilm)([-_/:.]|$)/i.test(id))
    return { ...base, capabilities: ['embeddings'] };
  return {
    ...base,
    capabilities: [
      'chat',
      'stream',
      ...(quirks.tools === false ? [] : (['tools'] as const)),
      ...(quirks.json_schema === false ? [] : (['json_schema'] as const)),
    ],
    ...(isDefault ? { default: true } : {}),
  };
}

/** `n` requests of one choice each, their pieces as they come; the first failure ends all. */
async function* choicesApart(
  request: ProviderRequest,
  signal: AbortSignal,
  ask: (request: ProviderRequest, signal: AbortSignal) => AsyncGenerator<ProviderChunk, void, void>,
): AsyncGenerator<ProviderChunk, void, void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const { n = 1, ...one } = request;
  const sources = Array.from({ length: n }, () => ask(one, both));
  const step = (index: number) =>
    (sources[index] as AsyncGenerator<ProviderChunk, void, void>).next().then((result) => ({ index, result }));
  const waiting = new Map(sources.map((_, index) => [index, step(index)]));
  const usage = { in: 0, out: 0 };
  try {
    while (waiting.size > 0) {
      const { index, result } = await Promise.race(waiting.values());
      if (result.done === true) {
        waiting.delete(index);
        continue;
      }
      waiting.set(index, step(index));
      usage.in += result.value.usage?.in ?? 0;
      usage.out += result.value.usage?.out ?? 0;
      if (result.value.choices.length > 0) {
        yield { choices: result.value.choices.map((choice) => ({ ...choice, index })) };
      }
    }
    if (usage.in + usage.out > 0) yield { choices: [], usage };
  } finally {
    stop.abort();
    await Promise.allSettled(waiting.values());
  }
}

function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  try {
    await orAbort(waited, signal);
  } finally {
    clearTimeout(timer);
  }
}

/** From 0 up to 1. */
function fraction(random: RandomBytes): number {
  return Buffer.from(random(4)).readUInt32LE(0) / 2 ** 32;
}
