import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { functionEnvironment } from './function-environment.ts';
import type { FunctionSpec } from './function-environment.ts';
import { readBody, response_bytes_max, sendJson } from './wire.ts';

export interface Invocation {
  readonly request_id: string;
  readonly event: Uint8Array;
  /** `trace-id` header of the caller, `Root=…`. */
  readonly trace_id?: string;
  /** Each piece of a streamed answer as it comes; the answer itself has all of them. */
  readonly onChunk?: (chunk: Buffer, content_type: string) => void;
}

/** What the platform gives a caller: the bytes that the function sent, or an error as `{errorType, errorMessage}`. */
export interface FunctionAnswer {
  readonly kind: 'reply' | 'error';
  readonly body: Buffer;
  readonly is_streamed: boolean;
}

export interface FunctionProcess {
  readonly pid: number;
  /** Milliseconds from the start of the process to its first request for an event; an answer when it never asked. */
  readonly init: Promise<number | FunctionAnswer>;
  readonly gone: Promise<void>;
  /** False from the moment it is ended, before it is gone. */
  isAlive(): boolean;
  /** One at a time. Past the function's timeout the process is killed, as the platform does. */
  run(invocation: Invocation): Promise<FunctionAnswer>;
  /** Kills it with all it started. */
  kill(): Promise<void>;
}

/** Ten seconds on AWS; here compilers may hold the processors. */
const init_ms_max = 60_000;
const bootstrap = fileURLToPath(new URL('node-bootstrap.mjs', import.meta.url));
const api = '/2018-06-01/runtime';

/** A fresh process of a function (its `bootstrap`, else its `index.mjs` in Node) with a Runtime API of its own. */
export async function startFunctionProcess(facts: {
  name: string;
  spec: FunctionSpec;
  onLog: (text: string) => void;
}): Promise<FunctionProcess> {
  const { name, spec, onLog } = facts;
  const timeout_ms = spec.timeout_ms ?? 30_000;
  let waiting: ServerResponse | undefined;
  let current: { invocation: Invocation; settle: (answer: FunctionAnswer) => void; timer?: NodeJS.Timeout } | undefined;
  let is_ended = false;
  let settleInit: (outcome: number | FunctionAnswer) => void = () => undefined;
  const init = new Promise<number | FunctionAnswer>((resolve) => (settleInit = resolve));

  const server = createServer((request, response) => {
    void answerProcess(request, response).catch(() => response.destroy());
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const runtime_api = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  const isNative = existsSync(join(spec.folder, 'bootstrap'));
  const program = isNative ? join(spec.folder, 'bootstrap') : process.execPath;
  const started = performance.now();
  const child = spawn(program, isNative ? [] : [bootstrap], {
    cwd: spec.folder,
    env: functionEnvironment({ name, spec, runtime_api, is_native: isNative }),
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: what the function started ends with it.
    detached: true,
  });
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', onLog);
  const init_timer = setTimeout(() => {
    settleInit(failure('Sandbox.Timedout', `the function did not start within ${init_ms_max} ms`));
    killGroup();
  }, init_ms_max);
  const gone = new Promise<void>((resolve) => {
    const end = (reason: string): void => {
      is_ended = true;
      clearTimeout(init_timer);
      const answer = failure('Runtime.ExitError', `Runtime exited ${reason}`);
      settleInit(answer);
      settle(answer);
      server.close();
      server.closeAllConnections();
      resolve();
    };
    child.once('error', (cause) => end(`before it ran: ${cause.message}`));
    child.once('close', (code, signal) =>
      end(signal === null ? `with error: exit status ${code}` : `with error: signal: ${signal}`),
    );
  });

  async function answerProcess(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    if (request.method === 'GET' && path === `${api}/invocation/next`) {
      clearTimeout(init_timer);
      settleInit(performance.now() - started);
      waiting = response;
      handOver();
      return;
    }
    if (request.method === 'POST' && path === `${api}/init/error`) {
      const body = await readBody(request);
      settleInit({ kind: 'error', body, is_streamed: false });
      return sendJson(response, 202, { status: 'OK' });
    }
    const [, request_id, verb] = new RegExp(`^${api}/invocation/([^/]+)/(response|error)$`).exec(path) ?? [];
    if (request.method !== 'POST' || verb === undefined) return sendJson(response, 404, { errorType: 'NotFound' });
    if (request_id !== current?.invocation.request_id) {
      await readBody(request);
      return sendJson(response, 400, {
        errorType: 'InvalidRequestID',
        errorMessage: 'no such invocation is under way',
      });
    }
    await (verb === 'error' ? takeError(request, response) : takeResponse(request, response));
  }

  async function takeError(request: IncomingMessage, response: ServerResponse): Promise<void> {
    settle({ kind: 'error', body: await readBody(request), is_streamed: false });
    sendJson(response, 202, { status: 'OK' });
  }

  async function takeResponse(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const is_streamed = request.headers['lambda-runtime-function-response-mode'] === 'streaming';
    const content_type = request.headers['content-type'] ?? 'application/octet-stream';
    const onChunk = current?.invocation.onChunk;
    const body = await readBody(request, is_streamed ? (chunk) => onChunk?.(chunk, content_type) : undefined);
    const error_type = request.trailers['lambda-runtime-function-error-type'];
    if (error_type !== undefined) {
      const told = Buffer.from(request.trailers['lambda-runtime-function-error-body'] ?? '', 'base64');
      settle({
        kind: 'error',
        body: told.length > 0 ? told : failure(error_type, 'the stream broke').body,
        is_streamed,
      });
      return sendJson(response, 202, { status: 'OK' });
    }
    if (!is_streamed && body.length > response_bytes_max) {
      const type = 'Function.ResponseSizeTooLarge';
      settle(
        failure(type, `Response payload size exceeded maximum allowed payload size (${response_bytes_max} bytes).`),
      );
      return sendJson(response, 413, { errorType: type, errorMessage: 'Exceeded maximum allowed payload size.' });
    }
    settle({ kind: 'reply', body, is_streamed });
    sendJson(response, 202, { status: 'OK' });
  }

  /** Both an event and a process that asks for one must be there. */
  function handOver(): void {
    if (waiting === undefined || current === undefined || current.timer !== undefined) return;
    const { request_id, event, trace_id = 'Root=1-00000000-000000000000000000000000;Sampled=0' } = current.invocation;
    waiting.writeHead(200, {
      'content-type': 'application/json',
      'content-length': event.length,
      'lambda-runtime-aws-request-id': request_id,
      'lambda-runtime-deadline-ms': String(Date.now() + timeout_ms),
      'lambda-runtime-invoked-function-arn': `arn:aws:lambda:us-east-1:000000000000:function:${name}`,
      'lambda-runtime-trace-id': trace_id,
    });
    waiting.end(event);
    waiting = undefined;
    current.timer = setTimeout(() => {
      const seconds = (timeout_ms / 1000).toFixed(2);
      settle(failure('Sandbox.Timedout', `RequestId: ${request_id} Error: Task timed out after ${seconds} seconds`));
      killGroup();
    }, timeout_ms);
  }

  function settle(answer: FunctionAnswer): void {
    clearTimeout(current?.timer);
    const { settle: tell } = current ?? {};
    current = undefined;
    tell?.(answer);
  }

  function killGroup(): void {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    is_ended = true;
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It ended between the question and the signal.
    }
  }

  return {
    pid: child.pid ?? 0,
    init,
    gone,
    isAlive: () => !is_ended,
    run(invocation) {
      if (current !== undefined) throw new Error('a function process takes one event at a time');
      if (is_ended) {
        return Promise.resolve(failure('Runtime.ExitError', 'Runtime exited before the event came'));
      }
      return new Promise((resolve) => {
        current = { invocation, settle: resolve };
        handOver();
      });
    },
    async kill() {
      killGroup();
      await gone;
    },
  };
}

function failure(errorType: string, errorMessage: string): FunctionAnswer {
  return { kind: 'error', body: Buffer.from(JSON.stringify({ errorType, errorMessage })), is_streamed: false };
}
