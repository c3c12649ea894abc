import { describe, expect, test } from '@jest/globals';
import type { SignetError } from '../domain/errors.ts';
import { makeApp } from '../edge/make-app.ts';
import { ownerToken, recordedServices } from '../edge/testing/recorded-services.ts';
import { lambdaHost } from './lambda-host.ts';
import type { LambdaHostOptions, WholeAnswer } from './lambda-host.ts';
import { lambdaLog } from './lambda-log.ts';
import { queueEvent, restEvent, urlEvent } from './testing/lambda-events.ts';
import { contextOf, RecordedStream, recordedPlatform } from './testing/lambda-platform.ts';

function open(
  fetch: (request: Request, env?: object) => Response | Promise<Response>,
  more: Partial<LambdaHostOptions> = {},
) {
  const lines: string[] = [];
  const log = lambdaLog({ level: 'info', write: (line) => lines.push(line) });
  const platform = recordedPlatform();
  const app = { fetch: (request: Request, env?: object) => fetch(request, env) } as LambdaHostOptions['app'];
  const whole = lambdaHost({ app, log, platform: undefined, ...more });
  const streaming = lambdaHost({ app, log, platform, ...more });
  return {
    lines,
    whole: (event: object, context = contextOf()) => whole(event, context) as Promise<WholeAnswer>,
    streamed: (event: unknown, options?: Parameters<typeof platform.invoke>[2]) =>
      platform.invoke(streaming, event, options),
  };
}

const anAnswer = (): Response => {
  const headers = new Headers({
    'content-type': 'application/json',
    'x-one': '1',
    connection: 'x',
    'content-length': '2',
  });
  headers.append('set-cookie', 'a=1');
  headers.append('set-cookie', 'b=2');
  return new Response('{}', { status: 201, headers });
};

describe('an answer that is given whole', () => {
  test('to a REST API', async () => {
    expect(await open(anAnswer).whole(restEvent())).toEqual({
      statusCode: 201,
      multiValueHeaders: { 'content-type': ['application/json'], 'x-one': ['1'], 'set-cookie': ['a=1', 'b=2'] },
      body: '{}',
      isBase64Encoded: false,
    });
  });

  test('to a function URL', async () => {
    expect(await open(anAnswer).whole(urlEvent())).toEqual({
      statusCode: 201,
      headers: { 'content-type': 'application/json', 'x-one': '1' },
      cookies: ['a=1', 'b=2'],
      body: '{}',
      isBase64Encoded: false,
    });
  });

  test.each([
    ['text/event-stream; charset=utf-8', false],
    ['application/problem+json', false],
    ['application/json', false],
    ['application/octet-stream', true],
    ['application/wasm', true],
    ['image/png', true],
  ])('of %s is base64: %s', async (type, isBase64Encoded) => {
    const answer = () => new Response(new Uint8Array([104, 105]), { headers: { 'content-type': type } });
    const body = isBase64Encoded ? 'aGk=' : 'hi';
    expect(await open(answer).whole(urlEvent())).toMatchObject({ body, isBase64Encoded });
  });

  test('is base64 when it is encoded', async () => {
    const answer = () => new Response('zz', { headers: { 'content-type': 'text/plain', 'content-encoding': 'gzip' } });
    expect(await open(answer).whole(urlEvent())).toMatchObject({ body: 'eno=', isBase64Encoded: true });
  });

  test('without a body', async () => {
    expect(await open(() => new Response(null, { status: 204 })).whole(restEvent())).toMatchObject({
      statusCode: 204,
      body: '',
    });
  });
});

describe('an answer that streams', () => {
  test('is a prelude, eight NUL bytes, and the body as it comes', async () => {
    const pieces = ['data: 1\n\n', ': beat\n\n', 'data: 2\n\n'];
    const answer = () => new Response(streamOf(pieces), { headers: { 'content-type': 'text/event-stream' } });
    const { prelude, body, chunks, is_ended } = await open(answer).streamed(restEvent());
    expect(prelude).toEqual({ statusCode: 200, multiValueHeaders: { 'content-type': ['text/event-stream'] } });
    expect(body).toBe(pieces.join(''));
    expect(chunks.slice(2).map(String)).toEqual(pieces);
    expect(is_ended).toBe(true);
  });

  test('has its prelude also without a body', async () => {
    const { prelude, body, is_ended } = await open(() => new Response(null, { status: 204 })).streamed(urlEvent());
    expect(prelude).toEqual({ statusCode: 204, headers: {} });
    expect(body).toBe('');
    expect(is_ended).toBe(true);
  });

  test('says cookies and repeated headers as each gateway reads them', async () => {
    const rest = await open(anAnswer).streamed(restEvent());
    expect(rest.prelude.multiValueHeaders?.['set-cookie']).toEqual(['a=1', 'b=2']);
    const url = await open(anAnswer).streamed(urlEvent());
    expect(url.prelude.cookies).toEqual(['a=1', 'b=2']);
  });

  test('waits for a reader that is slow', async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1;
          if (pulled > 50) controller.close();
          else controller.enqueue(new Uint8Array(1_000).fill(97));
        },
      },
      { highWaterMark: 0 },
    );
    const stream = new RecordedStream({ highWaterMark: 2_000 });
    let most = 0;
    stream.on('pipe', () => undefined);
    const write = stream.write.bind(stream) as (chunk: Uint8Array) => boolean;
    stream.write = ((chunk: Uint8Array) => {
      const went = write(chunk);
      most = Math.max(most, stream.writableLength);
      return went;
    }) as never;
    const result = await open(() => new Response(body)).streamed(urlEvent(), { stream });
    expect(result.body).toHaveLength(50_000);
    expect(most).toBeLessThanOrEqual(3_000);
  });

  test('that breaks in its middle fails the invocation and has no end', async () => {
    const answer = () => new Response(streamOf(['data: 1\n\n'], new Error('lost')));
    const { prelude, body, is_ended, error } = await open(answer).streamed(restEvent());
    expect(prelude.statusCode).toBe(200);
    expect(body).toBe('data: 1\n\n');
    expect(is_ended).toBe(false);
    expect(error).toEqual(new Error('lost'));
  });

  test('stops the application when nobody reads any more', async () => {
    let seen: AbortSignal | undefined;
    let is_cancelled = false;
    const answer = (request: Request): Response => {
      seen = request.signal;
      let count = 0;
      return new Response(
        new ReadableStream({
          async pull(controller) {
            await new Promise((resolve) => setImmediate(resolve));
            if (request.signal.aborted) controller.error(request.signal.reason);
            else controller.enqueue(new TextEncoder().encode(`data: ${(count += 1)}\n\n`));
          },
          cancel: () => void (is_cancelled = true),
        }),
      );
    };
    const stream = new RecordedStream({ breaks_at: 4 });
    const { error } = await open(answer).streamed(restEvent(), { stream });
    expect(error).toBeInstanceOf(Error);
    expect(seen?.aborted).toBe(true);
    expect(is_cancelled).toBe(false);
  });
});

describe('an error before the first byte', () => {
  const problem = { type: 'urn:signet:problem:internal', status: 500, code: 'internal' };

  test('is a problem, and says nothing of its cause', async () => {
    const { whole, streamed, lines } = open(() => Promise.reject(new Error('the table is called t-42')));
    const answer = await whole(restEvent());
    expect(answer.statusCode).toBe(500);
    expect(answer.multiValueHeaders?.['content-type']).toEqual(['application/problem+json']);
    expect(JSON.parse(answer.body)).toMatchObject(problem);
    expect(answer.body).not.toContain('t-42');
    const { prelude, body, is_ended } = await streamed(restEvent());
    expect(prelude.statusCode).toBe(500);
    expect(JSON.parse(body)).toMatchObject(problem);
    expect(is_ended).toBe(true);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'ERROR',
      invocation_id: 'invocation-1',
      gateway_request_id: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
      err: { message: 'the table is called t-42' },
    });
  });

  test('is 400 where there is no request to be read', async () => {
    const { whole } = open(() => new Response('never'));
    expect(await whole(restEvent({ httpMethod: 'TRACE' }))).toMatchObject({ statusCode: 400 });
  });

  test('an event that is no HTTP request fails the invocation', async () => {
    const { whole, streamed } = open(() => new Response('never'));
    await expect(whole(queueEvent('{}'))).rejects.toThrow('expected an event of a REST API');
    expect((await streamed(queueEvent('{}'))).error).toBeInstanceOf(TypeError);
  });
});

describe('the time of the function', () => {
  test('is told to the application before it is over, with an error that a caller can act on', async () => {
    const { whole } = open(async (request) => {
      await new Promise((resolve) => request.signal.addEventListener('abort', resolve));
      const { code, public: facts } = request.signal.reason as SignetError;
      return Response.json({ code, reason: facts.reason });
    });
    const answer = await whole(restEvent(), contextOf({ remaining_ms: 20 }));
    expect(JSON.parse(answer.body)).toEqual({ code: 'capability_unavailable', reason: 'function.out_of_time' });
  });

  test('leaves no timer behind', async () => {
    const { whole } = open((request) => {
      expect(request.signal.aborted).toBe(false);
      return new Response('');
    });
    await whole(restEvent(), contextOf({ remaining_ms: 900_000 }));
  });
});

test('answers whole where `awslambda` is only what the AWS SDK puts there', async () => {
  const runtime = globalThis as { awslambda?: object };
  runtime.awslambda = { InvokeStore: {} };
  try {
    const handler = lambdaHost({
      app: { fetch: () => new Response('{}') },
      log: lambdaLog({ level: 'error', write: () => undefined }),
    });
    expect(await handler(restEvent(), contextOf())).toMatchObject({ statusCode: 200, body: '{}' });
  } finally {
    delete runtime.awslambda;
  }
});

describe('a place of ours that an answer names', () => {
  const placed = (location: string) => () => new Response(null, { status: 202, headers: { location } });

  test('is found from outside: behind the stage of a REST API, not behind a function URL', async () => {
    const { whole, streamed } = open(placed('/api/v1/runs/x'));
    expect((await whole(restEvent())).multiValueHeaders?.['location']).toEqual(['/dev/api/v1/runs/x']);
    expect((await streamed(restEvent())).prelude.multiValueHeaders?.['location']).toEqual(['/dev/api/v1/runs/x']);
    expect((await whole(urlEvent())).headers?.['location']).toBe('/api/v1/runs/x');
  });

  test.each(['https://example.org/x', '//example.org/x', 'x'])('is not `%s`', async (location) => {
    expect((await open(placed(location)).whole(restEvent())).multiValueHeaders?.['location']).toEqual([location]);
  });
});

test('the application sees the address that the platform saw', async () => {
  const seen: unknown[] = [];
  const { whole } = open((_request, env) => {
    seen.push(env);
    return new Response('');
  });
  await whole(restEvent());
  await whole(urlEvent());
  const address = { incoming: { socket: { remoteAddress: '198.51.100.7' } } };
  expect(seen).toEqual([address, address]);
});

test('what is to be done afterwards is done behind the answer', async () => {
  const order: string[] = [];
  const { streamed, whole } = open(() => new Response(streamOf(['x'])), {
    afterwards: async () => void order.push('afterwards'),
  });
  const stream = new RecordedStream();
  stream.on('finish', () => order.push('sent'));
  await streamed(urlEvent(), { stream });
  await whole(urlEvent());
  expect(order.filter((one) => one === 'afterwards')).toHaveLength(2);
});

describe('the real application behind it', () => {
  const host = (platform: ReturnType<typeof recordedPlatform> | undefined) =>
    lambdaHost({
      app: makeApp(recordedServices()),
      log: lambdaLog({ level: 'error', write: () => undefined }),
      platform,
    });
  const chat = (stream: boolean) =>
    restEvent({
      httpMethod: 'POST',
      path: '/v1/chat/completions',
      multiValueHeaders: { Authorization: [`Bearer ${ownerToken}`], 'Content-Type': ['application/json'] },
      body: Buffer.from(
        JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'hello' }], stream }),
      ).toString('base64'),
      isBase64Encoded: true,
    });

  test('answers a chat whole', async () => {
    const answer = (await host(undefined)(chat(false), contextOf())) as WholeAnswer;
    expect(answer.statusCode).toBe(200);
    expect(answer.multiValueHeaders?.['signet-receipt']).toHaveLength(1);
    expect(JSON.parse(answer.body)).toMatchObject({ choices: [{ message: { content: 'hey' } }] });
  });

  test('streams a chat to its `[DONE]`', async () => {
    const platform = recordedPlatform();
    const { prelude, body } = await platform.invoke(host(platform), chat(true));
    expect(prelude.multiValueHeaders?.['content-type']).toEqual(['text/event-stream; charset=utf-8']);
    expect(body).toMatch(/data: \[DONE\]\n\n$/);
  });

  test('refuses a stranger', async () => {
    expect(await host(undefined)(restEvent(), contextOf())).toMatchObject({ statusCode: 401 });
  });
});

function streamOf(pieces: readonly string[], error?: Error): ReadableStream<Uint8Array> {
  const waiting = [...pieces];
  return new ReadableStream(
    {
      pull(controller) {
        const piece = waiting.shift();
        if (piece !== undefined) controller.enqueue(new TextEncoder().encode(piece));
        else if (error !== undefined) controller.error(error);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );
}
