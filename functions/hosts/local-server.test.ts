import { once } from 'node:events';
import { Agent, request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import OpenAI from 'openai';
import { SignetError } from '../domain/errors.ts';
import { makeApp } from '../edge/make-app.ts';
import { ownerToken, receipt, recordedServices } from '../edge/testing/recorded-services.ts';
import type { LocalServer, LocalServerOptions } from './local-server.ts';
import { ListenRefusedError, startLocalServer } from './local-server.ts';

const running: LocalServer[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.close({ drain_ms: 0 });
});

async function serve(
  changes: Parameters<typeof recordedServices>[0] = {},
  options: Partial<LocalServerOptions> = {},
): Promise<LocalServer & { services: ReturnType<typeof recordedServices> }> {
  const services = recordedServices(changes);
  const server = await startLocalServer({ app: makeApp(services), host: '127.0.0.1', port: 0, ...options });
  running.push(server);
  return { ...server, services };
}

const routed = { route: 'r', tier: 'edge', candidates: [] } as const;
const authorization = `Bearer ${ownerToken}`;
const chat = { model: 'auto', messages: [{ role: 'user', content: 'hello' }] };

/** Everything the server says on one raw connection until it closes it. */
async function raw(port: number, text: string | Uint8Array): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  return readAll(socket);
}

async function readAll(socket: Socket): Promise<string> {
  let said = '';
  socket.on('data', (chunk: Buffer) => (said += chunk.toString()));
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return said;
}

describe('a stock OpenAI client', () => {
  test('lists models, chats, streams, embeds, and reads errors', async () => {
    const { url, services } = await serve();
    const client = new OpenAI({ apiKey: ownerToken, baseURL: `${url}/v1`, maxRetries: 0 });
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['edge/signet-edge-1', 'tiny']);
    expect((await client.models.retrieve('edge/signet-edge-1')).id).toBe('edge/signet-edge-1');

    const whole = await client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content: 'x' }] });
    expect(whole.choices[0]?.message.content).toBe('hey');

    let joined = '';
    const stream = await client.chat.completions.create({
      ...chat,
      messages: [{ role: 'user', content: 'x' }],
      stream: true,
    });
    for await (const chunk of stream) joined += chunk.choices[0]?.delta.content ?? '';
    expect(joined).toBe('hey');

    const embedded = await client.embeddings.create({ model: 'tiny', input: ['a', 'b'] });
    expect(embedded.data[1]?.embedding.map((one) => Math.round(one * 10) / 10)).toEqual([0.1, -0.5, 1]);
    const floats = await client.embeddings.create({ model: 'tiny', input: 'a', encoding_format: 'float' });
    expect(floats.data[0]?.embedding).toEqual(Array.from(new Float32Array([0.1, -0.5, 1])));
    expect(services.reached.at(-1)?.request).toMatchObject({ truncate: 'error', input_type: 'document' });

    await expect(client.models.retrieve('gpt-9')).rejects.toMatchObject({ status: 404, code: 'model_not_found' });
    const stranger = new OpenAI({ apiKey: 'sk-x', baseURL: `${url}/v1`, maxRetries: 0 });
    await expect(stranger.models.list()).rejects.toMatchObject({ status: 401, code: 'invalid_api_key' });
  });
});

describe('a stream', () => {
  const streamed = (url: string, signal?: AbortSignal) =>
    fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify({ ...chat, stream: true }),
      ...(signal === undefined ? {} : { signal }),
    });

  const base = recordedServices().chat;

  test('has its headers, one event for each chunk, and [DONE]', async () => {
    const { url } = await serve();
    const answer = await streamed(url);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'signet-receipt': receipt,
      'signet-route': 'edge/signet-edge-1',
    });
    const events = (await answer.text()).split('\n\n');
    expect(events.slice(2)).toEqual([`: signet-receipt ${receipt}`, 'data: [DONE]', '']);
  });

  test('sends each event when it is there, not when the next one is', async () => {
    const gate = Promise.withResolvers<void>();
    const { url } = await serve({
      chat: {
        ...base,
        stream: () =>
          Promise.resolve({
            receipt,
            ...routed,
            events: (async function* () {
              yield { kind: 'chunk' as const, chunk: { first: true } };
              await gate.promise;
              yield { kind: 'chunk' as const, chunk: { second: true } };
            })(),
          }),
      },
    });
    const reader = (await streamed(url)).body?.getReader();
    const first = await reader?.read();
    expect(new TextDecoder().decode(first?.value)).toBe('data: {"first":true}\n\n');
    gate.resolve();
    const second = await reader?.read();
    expect(new TextDecoder().decode(second?.value)).toContain('second');
    await reader?.cancel();
  });

  test('ends with an error event and without [DONE] where the domain throws', async () => {
    const failing = async function* () {
      yield { kind: 'chunk' as const, chunk: { a: 1 } };
      const error = new SignetError({ code: 'provider_error', detail: 'the provider failed' });
      error.receipt = receipt;
      throw error;
    };
    const { url } = await serve({
      chat: { ...base, stream: () => Promise.resolve({ receipt, ...routed, events: failing() }) },
    });
    const text = await (await streamed(url)).text();
    expect(text).not.toContain('[DONE]');
    expect(text).toContain(`: signet-receipt ${receipt}\n\n`);
    expect(JSON.parse(text.split('data: ').at(-1) ?? '')).toEqual({
      error: { message: 'the provider failed', type: 'server_error', param: null, code: 'provider_error' },
    });
  });

  test('fills silence with comments', async () => {
    const gate = Promise.withResolvers<void>();
    const silent = async function* () {
      await gate.promise;
      yield { kind: 'chunk' as const, chunk: { a: 1 } };
    };
    const { url } = await serve({
      limits: { ...recordedServices().limits, stream_beat_ms: 5 },
      chat: { ...base, stream: () => Promise.resolve({ receipt, ...routed, events: silent() }) },
    });
    const reader = (await streamed(url)).body?.getReader();
    for (let beats = 0; beats < 3; beats += 1) {
      expect(new TextDecoder().decode((await reader?.read())?.value)).toMatch(/^(: beat\n\n)+$/);
    }
    gate.resolve();
    let rest = '';
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      rest += new TextDecoder().decode(part.value);
    }
    expect(rest).toMatch(/data: \{"a":1\}\n\n(: beat\n\n)*data: \[DONE\]\n\n$/);
  });

  test('a client that leaves aborts the call and ends the iteration', async () => {
    const aborted = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    const { url } = await serve({
      chat: {
        ...base,
        stream: (call) => {
          call.signal.addEventListener('abort', () => aborted.resolve());
          const endless = async function* () {
            try {
              for (;;) {
                yield { kind: 'chunk' as const, chunk: { a: 1 } };
                await new Promise((resolve) => setTimeout(resolve, 1));
              }
            } finally {
              ended.resolve();
            }
          };
          return Promise.resolve({ receipt, ...routed, events: endless() });
        },
      },
    });
    const leave = new AbortController();
    const reader = (await streamed(url, leave.signal)).body?.getReader();
    await reader?.read();
    leave.abort();
    await Promise.all([aborted.promise, ended.promise]);
  });

  test('a client that leaves before the answer starts aborts the call', async () => {
    const started = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    const { url } = await serve({
      chat: {
        ...base,
        stream: (call) =>
          new Promise((_, reject) => {
            call.signal.addEventListener('abort', () => {
              aborted.resolve();
              reject(new Error('gone'));
            });
            started.resolve();
          }),
      },
    });
    const leave = new AbortController();
    const pending = streamed(url, leave.signal).catch(() => undefined);
    await started.promise;
    leave.abort();
    await Promise.all([aborted.promise, pending]);
  });

  test('a reader that stops reading pauses the source', async () => {
    let given = 0;
    const { port } = await serve({
      chat: {
        ...base,
        stream: () =>
          Promise.resolve({
            receipt,
            ...routed,
            events: (async function* () {
              const text = 'x'.repeat(10_000);
              for (; given < 100_000; given += 1) yield { kind: 'chunk' as const, chunk: { text } };
            })(),
          }),
      },
    });
    const client = httpRequest({
      port,
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { authorization, 'content-type': 'application/json' },
    });
    client.on('error', () => undefined);
    client.end(JSON.stringify({ ...chat, stream: true }));
    const [answer] = (await once(client, 'response')) as [NodeJS.ReadableStream];
    answer.pause();
    // Whatever the kernel takes is taken; then the count stands still, far from the gigabyte that is offered.
    let before = -1;
    while (before !== given) {
      before = given;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(given).toBeLessThan(5_000);
    client.destroy();
  });
});

describe('a connection', () => {
  test('stays usable after a refused body, sized or chunked', async () => {
    const { port } = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const send = (
      headers: Record<string, string>,
      body: string | undefined,
      path = '/api/v1/scripts/a',
      method = 'PUT',
    ) =>
      new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
        const client = httpRequest({ agent, port, method, path, headers: { authorization, ...headers } }, (answer) => {
          let text = '';
          answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
          answer.on('end', () => resolve({ status: answer.statusCode, text }));
        });
        client.on('error', reject);
        client.end(body);
      });
    const json = { 'content-type': 'application/json' };
    // More than any socket holds back: a client that is still sending must be able to read the refusal.
    const large = `{"source":"${'a'.repeat(20_000_000)}"}`;
    const next = async () => expect((await send({}, undefined, '/v1/models', 'GET')).status).toBe(200);
    expect((await send(json, large)).status).toBe(413);
    await next();
    expect((await send({ ...json, 'transfer-encoding': 'chunked' }, large)).status).toBe(413);
    await next();
    expect((await send({ 'content-type': 'text/plain' }, 'x')).status).toBe(415);
    await next();
    expect((await send({ ...json, authorization: 'Bearer sg_wrong' }, large)).status).toBe(401);
    await next();
    agent.destroy();
  });

  test('lets a stock client read that its body is too large', async () => {
    const { url } = await serve();
    const client = new OpenAI({ apiKey: ownerToken, baseURL: `${url}/v1`, maxRetries: 0 });
    const content = 'a'.repeat(12_000_000);
    const asked = client.chat.completions.create({ model: 'auto', messages: [{ role: 'user', content }] });
    await expect(asked).rejects.toMatchObject({ status: 413, code: 'too_large' });
  });

  test('answers HEAD with the length and no body, OPTIONS with what is allowed', async () => {
    const { url } = await serve();
    const head = await fetch(`${url}/v1/models`, { method: 'HEAD', headers: { authorization } });
    const get = await fetch(`${url}/v1/models`, { headers: { authorization } });
    expect(head.headers.get('content-length')).toBe(String((await get.text()).length));
    expect(await head.text()).toBe('');
    const options = await fetch(`${url}/v1/models`, { method: 'OPTIONS', headers: { authorization } });
    expect(options.status).toBe(204);
    expect(options.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    expect(options.headers.get('access-control-allow-origin')).toBeNull();
    expect((await fetch(`${url}/api/v1/runs/a/events`, { method: 'HEAD', headers: { authorization } })).status).toBe(
      405,
    );
  });

  test.each([
    ['no HTTP', 'host: hello\r\n\r\n', '400'],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n', '400'],
    [
      'length and chunks',
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
      '400',
    ],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', '400'],
    ['an expectation', 'GET / HTTP/1.1\r\nhost: a\r\nexpect: tea\r\n\r\n', '417'],
    ['a broken host', 'GET / HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n', '400'],
    ['a backslash in the target', 'GET /\\x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n', '400'],
    ['a long header', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`, '431'],
    ['a long target', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, '431'],
    ['a NUL in a header', 'GET / HTTP/1.1\r\nhost: a\r\nx: \u0000\r\n\r\n', '400'],
    [
      'an upgrade to h2c, which is ignored',
      'GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close, upgrade\r\nupgrade: h2c\r\n\r\n',
      '200',
    ],
  ])('answers %s', async (_, text, status) => {
    const { port } = await serve();
    const said = await raw(port, text);
    expect(said).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    if (status !== '200') expect(said).toContain('urn:signet:problem:');
  });

  test('cuts off headers and bodies that do not come', async () => {
    const timeouts = { headers_ms: 50, request_ms: 100, check_ms: 20 };
    const { port } = await serve({}, { timeouts });
    expect(await raw(port, 'GET / HTTP/1.1\r\nhost: a\r\nx: ')).toMatch(/^HTTP\/1.1 408 /);
    const half = `POST /v1/chat/completions HTTP/1.1\r\nhost: a\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`;
    expect(await raw(port, half)).toMatch(/^HTTP\/1.1 408 |^$/);
  });

  test('says who is asked too often, by key and by address, and exempts a key that may', async () => {
    const limits = { rate_per_s: 0.001, rate_burst: 2, stranger_per_s: 0.001, stranger_burst: 2 };
    const { url } = await serve({ limits });
    const statuses = async (token: string) => {
      const found: number[] = [];
      for (let count = 0; count < 3; count += 1) {
        const answer = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${token}` } });
        found.push(answer.status);
        if (answer.status === 429) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
        await answer.body?.cancel();
      }
      return found;
    };
    expect(await statuses(ownerToken)).toEqual([200, 200, 429]);
    expect(await statuses('sg_models:read')).toEqual([200, 200, 429]);
    expect(await statuses('sg_wrong')).toEqual([401, 401, 429]);

    const { apiKeys } = recordedServices();
    const unlimited = await serve({
      limits,
      apiKeys: {
        ...apiKeys,
        authenticate: async (bearer) => {
          const known = await apiKeys.authenticate(bearer);
          return known === undefined ? undefined : { ...known, unlimited_rate: true };
        },
      },
    });
    for (let count = 0; count < 5; count += 1) {
      const answer = await fetch(`${unlimited.url}/v1/models`, { headers: { authorization } });
      expect(answer.status).toBe(200);
      await answer.body?.cancel();
    }
  });
});

describe('the server', () => {
  test('refuses a port in use and says what to do', async () => {
    const { port } = await serve();
    const second = startLocalServer({ app: makeApp(recordedServices()), host: '127.0.0.1', port });
    await expect(second).rejects.toThrow(ListenRefusedError);
    await expect(second).rejects.toThrow(/SIGNET_PORT/);
  });

  test.each(['0.0.0.0', '::', '192.0.2.1', 'example.org', '127.0.0.1.example.org'])(
    'does not listen on %s unless the owner says so',
    async (host) => {
      const start = startLocalServer({ app: makeApp(recordedServices()), host, port: 0 });
      await expect(start).rejects.toMatchObject({ reason: 'not_loopback' });
    },
  );

  test('lets what is in flight end when it closes, and takes nothing new', async () => {
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const base = recordedServices();
    const server = await serve({
      status: async (call) => {
        started.resolve();
        await gate.promise;
        return base.status(call);
      },
    });
    const pending = fetch(`${server.url}/api/v1/status`, { headers: { authorization } });
    await started.promise;
    const closed = server.close();
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
    gate.resolve();
    expect((await pending).status).toBe(200);
    await closed;
    await server.close();
  });

  test('does not wait for a connection that was opened ahead and never used', async () => {
    const server = await serve();
    const socket = connect(server.port, '127.0.0.1');
    await once(socket, 'connect');
    const closed = readAll(socket);
    // Without it the drain would last as long as it may, which is longer than this test.
    await server.close({ drain_ms: 3_600_000 });
    expect(await closed).toBe('');
  });

  test('cuts off what does not end', async () => {
    const started = Promise.withResolvers<void>();
    const server = await serve({ status: () => (started.resolve(), new Promise(() => undefined)) });
    const pending = fetch(`${server.url}/api/v1/status`, { headers: { authorization } }).catch(() => 'cut off');
    await started.promise;
    await server.close({ drain_ms: 10 });
    expect(await pending).toBe('cut off');
  });
});
