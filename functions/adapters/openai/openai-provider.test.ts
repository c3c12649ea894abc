import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import {
  fakeUpstream,
  type FakeUpstream,
  type FakeUpstreamOptions,
  type Fault,
} from '../../../tests/upstream/fake-upstream.ts';
import type { ProviderChunk, ProviderRequest } from '../../domain/ports/provider.ts';
import { SecretsUnavailableError } from '../../domain/ports/secrets.ts';
import { cleanMessage } from './map-failure.ts';
import { openAiProvider, type OpenAiQuirks, type ProviderLimits } from './openai-provider.ts';

const limits: ProviderLimits = {
  first_byte_ms: 2000,
  idle_ms: 2000,
  total_ms: 20_000,
  sse_line_bytes_max: 1_048_576,
  attempts_max: 3,
  retry_base_ms: 1,
  retry_max_ms: 2,
  retry_after_max_ms: 20_000,
};
const key = 'sk-live-abcdefgh12345678';
const asked: ProviderRequest = {
  model: 'fake-1',
  messages: [{ role: 'user', content: 'hi' }],
  tools: [],
  stream: false,
  extra: {},
};

let upstream: FakeUpstream;
afterEach(() => upstream.close());

async function start(
  given: {
    server?: FakeUpstreamOptions;
    limits?: Partial<ProviderLimits>;
    quirks?: OpenAiQuirks;
    api_key?: () => Promise<string>;
  } = {},
) {
  upstream = await fakeUpstream(given.server);
  return openAiProvider({
    name: 'fake',
    base_url: upstream.base_url,
    api_key: given.api_key ?? (async () => key),
    tier: 'pool',
    quirks: given.quirks ?? {},
    now: Date.now,
    random: randomBytes,
    limits: { ...limits, ...given.limits },
  });
}

async function all(chunks: AsyncIterable<ProviderChunk>): Promise<ProviderChunk[]> {
  const list: ProviderChunk[] = [];
  for await (const chunk of chunks) list.push(chunk);
  return list;
}

const idle = new AbortController().signal;
const textOf = (chunks: readonly ProviderChunk[]) =>
  chunks.flatMap((c) => c.choices.map((choice) => choice.text ?? '')).join('');

describe('answers', () => {
  test('a whole answer is one piece for each choice, then the usage', async () => {
    const provider = await start();
    expect(await all(provider.chat({ ...asked, n: 2 }, idle))).toEqual([
      { choices: [{ index: 0, text: 'Hello from upstream.', finish_reason: 'stop' }] },
      { choices: [{ index: 1, text: 'Hello from upstream.', finish_reason: 'stop' }] },
      { choices: [], usage: { in: 11, out: 7, cached_in: 3, reasoning: 2 } },
    ]);
    expect(upstream.requests[0]?.headers.authorization).toBe(`Bearer ${key}`);
  });

  test('a stream has the same text, asks for usage and gives it', async () => {
    const provider = await start();
    const chunks = await all(provider.chat({ ...asked, stream: true }, idle));
    expect(textOf(chunks)).toBe('Hello from upstream.');
    expect(chunks.at(-1)).toEqual({ choices: [], usage: { in: 11, out: 7, cached_in: 3, reasoning: 2 } });
    expect(upstream.requests[0]?.body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
  });

  test('tool calls keep their index, in whole and in pieces', async () => {
    const provider = await start({
      server: {
        reply: {
          tool_calls: [
            { name: 'a', arguments: '{"x":1}' },
            { name: 'b', arguments: '{}' },
          ],
        },
      },
    });
    const [whole] = await all(provider.chat(asked, idle));
    expect(whole?.choices[0]).toEqual({
      index: 0,
      tool_calls: [
        { index: 0, id: 'call_fake_0', name: 'a', arguments: '{"x":1}' },
        { index: 1, id: 'call_fake_1', name: 'b', arguments: '{}' },
      ],
      finish_reason: 'tool_calls',
    });
    const deltas = (await all(provider.chat({ ...asked, stream: true }, idle))).flatMap(
      (c) => c.choices[0]?.tool_calls ?? [],
    );
    expect(deltas.map(({ index }) => index)).toEqual([0, 0, 1, 1]);
  });

  test('a server without `n` is asked n times at once', async () => {
    const provider = await start({ quirks: { choices: false } });
    const chunks = await all(provider.chat({ ...asked, n: 3 }, idle));
    expect(chunks.flatMap((c) => c.choices.map(({ index }) => index)).sort()).toEqual([0, 1, 2]);
    expect(chunks.at(-1)?.usage).toEqual({ in: 33, out: 21 });
    expect(upstream.requests.map(({ body }) => body['n'])).toEqual([undefined, undefined, undefined]);
  });

  test('the limit of the answer goes by the name that the server knows', async () => {
    const provider = await start({ quirks: { max_tokens_field: 'max_completion_tokens' } });
    await all(provider.chat({ ...asked, max_tokens: 5, extra: { presence_penalty: 1 } }, idle));
    expect(upstream.requests[0]?.body).toMatchObject({ max_completion_tokens: 5, presence_penalty: 1 });
    expect(upstream.requests[0]?.body).not.toHaveProperty('max_tokens');
  });
});

describe('failures', () => {
  const fails = async (fault: Fault, code: string, given: Parameters<typeof start>[0] = {}, stream = false) => {
    const provider = await start(given);
    upstream.plan(fault, fault, fault);
    const error: unknown = await all(provider.chat({ ...asked, stream }, idle)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code });
    expect((error as { public: { detail: string } }).public.detail).not.toMatch(/sk-|Bearer/);
  };

  test.each([false, true])('429 is retried twice, then told (stream: %s)', async (stream) => {
    await fails('429', 'provider_rate_limited', {}, stream);
    expect(upstream.requests).toHaveLength(3);
  });

  test('a wait longer than ours is told, not waited for', async () => {
    const provider = await start({ server: { retry_after: '60' } });
    upstream.plan('429');
    await expect(all(provider.chat(asked, idle))).rejects.toMatchObject({
      public: { code: 'provider_rate_limited', retry_after_s: 60 },
    });
    expect(upstream.requests).toHaveLength(1);
  });

  test.each(['500', 'disconnect'] as const)('%s is retried and the next answer taken', async (fault) => {
    const provider = await start();
    upstream.plan(fault);
    expect(textOf(await all(provider.chat(asked, idle)))).toBe('Hello from upstream.');
    expect(upstream.requests).toHaveLength(2);
  });

  test('500 for ever is provider_error', () => fails('500', 'provider_error'));
  test('a broken connection for ever is provider_error', () => fails('disconnect', 'provider_error'));
  test('silence is provider_timeout', () => fails('timeout', 'provider_timeout', { limits: { first_byte_ms: 50 } }));
  test('a refused key is provider_auth, once, without the words of the server', async () => {
    await fails('401', 'provider_auth');
    expect(upstream.requests).toHaveLength(1);
  });
  test('a store of secrets that does not answer is no failure of the provider', async () => {
    const api_key = () => Promise.reject(new SecretsUnavailableError({ retryable: true }));
    const provider = await start({ api_key });
    const failed = all(provider.chat(asked, idle));
    await expect(failed).rejects.toMatchObject({ code: 'capability_unavailable' });
    expect(upstream.requests).toEqual([]);
  });
  test('400 is provider_rejected with the words cleaned', async () => {
    await fails('400', 'provider_rejected');
    expect(upstream.requests).toHaveLength(1);
  });
  test.each([false, true])('what cannot be read is provider_malformed (stream: %s)', (stream) =>
    fails('malformed', 'provider_malformed', {}, stream),
  );

  test('a stream that ends early fails after its pieces and is not asked again', async () => {
    const provider = await start();
    upstream.plan('truncate');
    const seen: string[] = [];
    const read = async () => {
      for await (const chunk of provider.chat({ ...asked, stream: true }, idle)) seen.push(textOf([chunk]));
    };
    await expect(read()).rejects.toMatchObject({ code: 'provider_malformed' });
    expect(seen).toEqual(['Hel']);
    expect(upstream.requests).toHaveLength(1);
  });

  test('a stream that falls silent is provider_timeout', async () => {
    const provider = await start({ limits: { idle_ms: 50 } });
    upstream.plan('slow');
    await expect(all(provider.chat({ ...asked, stream: true }, idle))).rejects.toMatchObject({
      code: 'provider_timeout',
    });
  });

  test('the whole answer has a deadline', async () => {
    const provider = await start({
      server: { piece_ms: 20, reply: { text: 'a b c d e f g h i j k l m n o p' } },
      limits: { total_ms: 60 },
    });
    await expect(all(provider.chat({ ...asked, stream: true }, idle))).rejects.toMatchObject({
      code: 'provider_timeout',
    });
  });

  test('a line without end is provider_malformed', async () => {
    const provider = await start({
      server: { reply: { text: 'x'.repeat(4000) } },
      limits: { sse_line_bytes_max: 1000 },
    });
    await expect(all(provider.chat({ ...asked, stream: true }, idle))).rejects.toMatchObject({
      code: 'provider_malformed',
    });
  });
});

describe('cancelling', () => {
  test('an abort closes the request upstream', async () => {
    const provider = await start({ server: { piece_ms: 5, reply: { text: 'a '.repeat(1000) } } });
    const stop = new AbortController();
    const read = async () => {
      for await (const _ of provider.chat({ ...asked, stream: true }, stop.signal)) stop.abort();
    };
    await expect(read()).rejects.toBeDefined();
    expect(await upstream.requests[0]?.closed).toEqual({ ended: false });
  });

  test('leaving the iteration closes the request upstream', async () => {
    const provider = await start({ server: { piece_ms: 5, reply: { text: 'a '.repeat(1000) } } });
    for await (const _ of provider.chat({ ...asked, stream: true }, idle)) break;
    expect(await upstream.requests[0]?.closed).toEqual({ ended: false });
  });
});

describe('models', () => {
  test('lists once in five minutes, embedding models apart', async () => {
    const provider = await start({ server: { models: ['chatty-1', 'text-embedding-3-small'] } });
    const [first, second] = await provider.models(idle);
    await provider.models(idle);
    expect(first).toMatchObject({
      id: 'fake/chatty-1',
      provider: 'fake',
      tier: 'pool',
      capabilities: ['chat', 'stream', 'tools', 'json_schema'],
    });
    expect(second?.capabilities).toEqual(['embeddings']);
    expect(upstream.requests).toHaveLength(1);
  });

  test('takes the list of the configuration without asking', async () => {
    const provider = await start({ quirks: { models: ['b', 'a'], tools: false } });
    const models = await provider.models(idle);
    expect(models.map(({ id, default: isDefault }) => [id, isDefault])).toEqual([
      ['fake/b', true],
      ['fake/a', undefined],
    ]);
    expect(models[0]?.capabilities).not.toContain('tools');
    expect(upstream.requests).toHaveLength(0);
  });
});

test('a message of a stranger is one clean line without keys', () => {
  expect(cleanMessage(`a\n\u001b[31mb ${key} Bearer abc.def`)).toBe('a [31mb *** ***');
  expect(cleanMessage('')).toBe('no reason given');
  expect(cleanMessage('y'.repeat(5000))).toHaveLength(301);
});
