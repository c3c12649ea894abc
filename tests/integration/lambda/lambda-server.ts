import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FunctionSpec } from './function-environment.ts';
import { openFunctionPool } from './function-pool.ts';
import type { Fault, FunctionPool, FunctionReport } from './function-pool.ts';
import type { FunctionAnswer } from './function-process.ts';
import { event_bytes_max, readBody, request_bytes_max, sendJson } from './wire.ts';

export interface LambdaServer {
  /** For `new LambdaClient({...})`, or `AWS_ENDPOINT_URL_LAMBDA`. */
  readonly url: string;
  /** Invokes past HTTP; pieces of a streamed answer go to `onChunk` as they come. */
  invoke(
    name: string,
    event: object,
    options?: { onChunk?: (chunk: Buffer, content_type: string) => void },
  ): Promise<FunctionAnswer>;
  /** The next calls of a function fail like this, one after the other; then all is well again. */
  inject(name: string, ...faults: readonly Fault[]): void;
  /** Takes back what was injected and has not happened. */
  clearFaults(name: string): void;
  /** Processes and what they did, in the order of their start. */
  reports(name: string): readonly FunctionReport[];
  /** Everything the function wrote to its output. */
  logs(name: string): string;
  /** Ends a function's processes: the next call meets a fresh one. */
  coolDown(name: string): Promise<void>;
  /** Settles when no event waits or runs. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A Lambda service of a few hundred lines: the Runtime API for the functions' processes, the Invoke API for any AWS
 * client. Errors, quotas and time limits are the platform's; signatures of requests are not checked.
 */
export async function startLambdaServer(request: {
  functions: Readonly<Record<string, FunctionSpec>>;
}): Promise<LambdaServer> {
  const pools = new Map(Object.entries(request.functions).map(([name, spec]) => [name, openFunctionPool(name, spec)]));
  const events = new Set<Promise<void>>();
  const server = createServer((incoming, response) => {
    void answerCaller(incoming, response).catch(() => response.destroy());
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  function poolOf(name: string): FunctionPool {
    const pool = pools.get(name);
    if (pool === undefined) throw new Error(`no function \`${name}\` is deployed here`);
    return pool;
  }

  async function answerCaller(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(incoming);
    const path = decodeURIComponent((incoming.url ?? '').split('?')[0] ?? '');
    const [, version, reference = '', verb] =
      /^\/(2015-03-31|2021-11-15)\/functions\/(.+)\/(invocations|response-streaming-invocations)$/.exec(path) ?? [];
    const pool = pools.get(nameIn(reference));
    if (version === undefined || incoming.method !== 'POST' || pool === undefined) {
      return refuse(response, 404, 'ResourceNotFoundException', `Function not found: ${reference}`);
    }
    if (!isJson(body)) return refuse(response, 400, 'InvalidRequestContentException', 'Could not parse request body');
    const is_event = incoming.headers['x-amz-invocation-type'] === 'Event';
    const most = is_event ? event_bytes_max : request_bytes_max;
    const fault = pool.nextFault();
    if (body.length > most || fault === 'too-large') {
      const message = `Request must be smaller than ${most} bytes for the InvokeFunction operation`;
      return refuse(response, 413, 'RequestTooLargeException', message);
    }
    if (fault === 'throttled') return refuse(response, 429, 'TooManyRequestsException', 'Rate Exceeded.');
    if (fault === 'unavailable') return refuse(response, 500, 'ServiceException', 'Service exception.');
    const event = body.length === 0 ? Buffer.from('{}') : body;
    if (is_event) {
      const work = pool.runEvent(event).finally(() => events.delete(work));
      events.add(work);
      response.writeHead(202).end();
      return;
    }
    if (verb === 'response-streaming-invocations') return streamTo(response, pool, event);
    const answer = await pool.run(event, { is_killed: fault === 'killed' });
    if (answer === 'throttled') return refuse(response, 429, 'TooManyRequestsException', 'Rate Exceeded.');
    if (fault === 'unheard') {
      response.destroy();
      return;
    }
    response.writeHead(200, {
      'content-type': 'application/json',
      'x-amzn-requestid': randomUUID(),
      'x-amz-executed-version': '$LATEST',
      ...(answer.kind === 'error' ? { 'x-amz-function-error': 'Unhandled' } : {}),
    });
    response.end(answer.body);
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async invoke(name, event, options = {}) {
      const answer = await poolOf(name).run(Buffer.from(JSON.stringify(event)), options);
      if (answer === 'throttled') throw new Error(`all processes of \`${name}\` are busy`);
      return answer;
    },
    inject: (name, ...faults) => poolOf(name).inject(faults),
    clearFaults: (name) => poolOf(name).clearFaults(),
    reports: (name) => poolOf(name).reports,
    logs: (name) => poolOf(name).logs(),
    coolDown: (name) => poolOf(name).end(),
    async idle() {
      while (events.size > 0) await Promise.all(events);
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await Promise.all([...pools.values()].map((pool) => pool.end()));
    },
  };
}

/** The raw bytes of the stream, as API Gateway's integration takes them, without the event-stream framing of the SDK. */
async function streamTo(response: ServerResponse, pool: FunctionPool, event: Buffer): Promise<void> {
  const answer = await pool.run(event, {
    onChunk(chunk, content_type) {
      if (!response.headersSent) response.writeHead(200, { 'content-type': content_type });
      response.write(chunk);
    },
  });
  if (answer === 'throttled') return refuse(response, 429, 'TooManyRequestsException', 'Rate Exceeded.');
  if (response.headersSent && answer.kind === 'error') {
    response.destroy();
    return;
  }
  if (!response.headersSent) {
    response.writeHead(200, answer.kind === 'error' ? { 'x-amz-function-error': 'Unhandled' } : {}).write(answer.body);
  }
  response.end();
}

function refuse(response: ServerResponse, status: number, type: string, message: string): void {
  const headers = { 'x-amzn-errortype': type, 'x-amzn-requestid': randomUUID() };
  sendJson(response, status, { Type: status < 500 ? 'User' : 'Service', message, Message: message }, headers);
}

/** A name, a partial or a whole ARN, with or without a version. */
function nameIn(reference: string): string {
  const [, name = reference] = /(?:^|:)function:([^:]+)/.exec(reference) ?? [];
  return name.split(':')[0] ?? name;
}

function isJson(body: Buffer): boolean {
  if (body.length === 0) return true;
  try {
    JSON.parse(body.toString());
    return true;
  } catch {
    return false;
  }
}
