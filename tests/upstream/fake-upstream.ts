import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What goes wrong with one request to the upstream. */
export type Fault = 'timeout' | '429' | '500' | '401' | '400' | 'malformed' | 'truncate' | 'slow' | 'disconnect';

export interface FakeReply {
  readonly text?: string;
  readonly tool_calls?: readonly { readonly name: string; readonly arguments: string }[];
  readonly finish_reason?: string;
}

export interface RecordedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: { readonly [field: string]: unknown };
  /** Resolves when the connection of this request has closed, with whether the answer had ended before. */
  readonly closed: Promise<{ readonly ended: boolean }>;
}

export interface FakeUpstream {
  readonly base_url: string;
  readonly requests: readonly RecordedRequest[];
  /** Plans for the next requests to /chat/completions, in order: a fault, or a reply of their own. */
  plan(...steps: readonly (Fault | FakeReply)[]): void;
  close(): Promise<void>;
}

export interface FakeUpstreamOptions {
  readonly port?: number;
  readonly models?: readonly string[];
  /** What is answered when nothing is planned. */
  readonly reply?: FakeReply;
  /** Seconds in the `retry-after` of a 429; none if absent. */
  readonly retry_after?: string;
  /** Milliseconds between two pieces of a stream. */
  readonly piece_ms?: number;
  /** Keep no record of requests: for a benchmark that sends many. */
  readonly forget?: boolean;
}

/** A server that speaks OpenAI's chat protocol over real HTTP and fails on demand. Listens on 127.0.0.1 only. */
export async function fakeUpstream(options: FakeUpstreamOptions = {}): Promise<FakeUpstream> {
  const { models = ['fake-1'], reply = { text: 'Hello from upstream.' } } = options;
  const requests: RecordedRequest[] = [];
  const planned: (Fault | FakeReply)[] = [];

  const server = createServer((request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await bodyOf(request);
    const body = text === '' ? {} : (JSON.parse(text) as { [field: string]: unknown });
    const closed = new Promise<{ ended: boolean }>((resolve) => {
      response.on('close', () => resolve({ ended: response.writableEnded }));
    });
    if (options.forget !== true) requests.push({ path: request.url ?? '', headers: request.headers, body, closed });
    if (request.url === '/v1/models') {
      const data = models.map((id) => ({ id, object: 'model', created: 0, owned_by: 'fake' }));
      return sendJson(response, 200, { object: 'list', data });
    }
    if (request.url !== '/v1/chat/completions') return sendJson(response, 404, failure('no such path', 'not_found'));
    const step = planned.shift() ?? reply;
    if (typeof step === 'string') return fail(step, response, body, options);
    if (body['stream'] === true) return stream(response, body, step, options.piece_ms ?? 0);
    return sendJson(response, 200, completion(body, step));
  }

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    base_url: `http://127.0.0.1:${port}/v1`,
    requests,
    plan: (...steps) => void planned.push(...steps),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function fail(
  fault: Fault,
  response: ServerResponse,
  body: { [field: string]: unknown },
  { retry_after }: FakeUpstreamOptions,
): Promise<void> {
  switch (fault) {
    case 'timeout':
      return; // the connection stays open and silent
    case '429':
      if (retry_after !== undefined) response.setHeader('retry-after', retry_after);
      return sendJson(response, 429, failure('slow down', 'rate_limit_exceeded'));
    case '500':
      return sendJson(response, 500, failure('it broke', 'server_error'));
    case '401':
      return sendJson(response, 401, failure('Incorrect API key provided: sk-secret-1234567890', 'invalid_api_key'));
    case '400':
      return sendJson(response, 400, failure('bad\u0007 field\nwith Bearer sk-secret-1234567890', 'invalid_value'));
    case 'malformed':
      response.writeHead(200, { 'content-type': contentType(body) });
      response.end(body['stream'] === true ? 'data: {"choices":[{"index":0,\n\n' : '{"choices":[');
      return;
    case 'truncate':
    case 'slow':
      response.writeHead(200, { 'content-type': contentType(body) });
      response.write(body['stream'] === true ? event(body, { content: 'Hel' }) : '{"choices":[{"index":0,');
      if (fault === 'truncate') response.end();
      return;
    case 'disconnect':
      response.destroy();
      return;
    default:
      fault satisfies never;
  }
}

/** A word a piece, tool calls in two pieces each, then finish, usage and the end: as OpenAI streams. */
async function stream(
  response: ServerResponse,
  body: { [field: string]: unknown },
  reply: FakeReply,
  piece_ms: number,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const write = async (text: string): Promise<void> => {
    response.write(text);
    if (piece_ms > 0) await new Promise((resolve) => setTimeout(resolve, piece_ms));
  };
  await write(event(body, { role: 'assistant', content: '' }));
  for (const word of (reply.text ?? '').match(/\S+\s*/g) ?? []) {
    if (response.destroyed) return;
    await write(event(body, { content: word }));
  }
  for (const [index, call] of (reply.tool_calls ?? []).entries()) {
    const start = { index, id: callId(index), type: 'function', function: { name: call.name, arguments: '' } };
    await write(event(body, { tool_calls: [start] }));
    await write(event(body, { tool_calls: [{ index, function: { arguments: call.arguments } }] }));
  }
  await write(event(body, {}, finishOf(reply)));
  const asked = body['stream_options'] as { include_usage?: boolean } | undefined;
  if (asked?.include_usage === true) {
    await write(`data: ${JSON.stringify({ ...head(body, 'chat.completion.chunk'), choices: [], usage: usage() })}\n\n`);
  }
  response.end('data: [DONE]\n\n');
}

function event(body: { [field: string]: unknown }, delta: object, finish_reason: string | null = null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
  return `data: ${JSON.stringify({ ...head(body, 'chat.completion.chunk'), choices })}\n\n`;
}

function completion(body: { [field: string]: unknown }, reply: FakeReply): object {
  const tool_calls = (reply.tool_calls ?? []).map((call, index) => ({
    id: callId(index),
    type: 'function',
    function: call,
  }));
  const message = {
    role: 'assistant',
    content: reply.text ?? null,
    refusal: null,
    ...(tool_calls.length > 0 ? { tool_calls } : {}),
  };
  const choices = Array.from({ length: Number(body['n'] ?? 1) }, (_, index) => ({
    index,
    message,
    logprobs: null,
    finish_reason: finishOf(reply),
  }));
  return { ...head(body, 'chat.completion'), choices, usage: usage() };
}

function head(body: { [field: string]: unknown }, object: string): object {
  return { id: 'chatcmpl-fake', object, created: 1, model: body['model'] };
}

function usage(): object {
  return {
    prompt_tokens: 11,
    completion_tokens: 7,
    total_tokens: 18,
    prompt_tokens_details: { cached_tokens: 3 },
    completion_tokens_details: { reasoning_tokens: 2 },
  };
}

function finishOf(reply: FakeReply): string {
  return reply.finish_reason ?? (reply.tool_calls === undefined ? 'stop' : 'tool_calls');
}

function callId(index: number): string {
  return `call_fake_${index}`;
}

function failure(message: string, code: string): object {
  return { error: { message, type: 'invalid_request_error', param: null, code } };
}

function contentType(body: { [field: string]: unknown }): string {
  return body['stream'] === true ? 'text/event-stream' : 'application/json';
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString('utf8');
}
