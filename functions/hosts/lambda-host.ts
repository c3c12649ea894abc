import type { Writable } from 'node:stream';
import type { Hono } from 'hono';
import { SignetError } from '../domain/errors.ts';
import { withDeadline } from './with-deadline.ts';
import type { LambdaContext } from './with-deadline.ts';
import type { LambdaLog } from './lambda-log.ts';
import { hop_by_hop, readHttpEvent } from './read-http-event.ts';
import type { HttpEvent } from './read-http-event.ts';

export interface LambdaHostOptions {
  readonly app: Pick<Hono, 'fetch'>;
  readonly log: Pick<LambdaLog, 'error' | 'within'>;
  /** What is done when an answer is out; the function still runs and the client waits no more, where answers stream. */
  readonly afterwards?: () => Promise<void>;
  /** Default: the global of Lambda's Node runtime. Without it (an emulator) answers are given whole. */
  readonly platform?: StreamingPlatform | undefined;
}

/** The global `awslambda` of Lambda's Node runtime. */
export interface StreamingPlatform {
  streamifyResponse(
    handler: (event: unknown, stream: ResponseStream, context: LambdaContext) => Promise<void>,
  ): LambdaHandler;
  readonly HttpResponseStream: { from(stream: ResponseStream, prelude: object): ResponseStream };
}

export type ResponseStream = Pick<Writable, 'write' | 'end' | 'on' | 'off'>;

export type LambdaHandler = (event: unknown, context: LambdaContext) => Promise<unknown>;

/** An answer that is given whole; `multiValueHeaders` to a REST API, `cookies` to a function URL. */
export interface WholeAnswer {
  readonly statusCode: number;
  readonly headers?: { readonly [name: string]: string };
  readonly multiValueHeaders?: { readonly [name: string]: readonly string[] };
  readonly cookies?: readonly string[];
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/**
 * The application behind API Gateway (REST, proxy integration) or a function URL: event to `fetch`, its answer back as
 * it comes, or whole where the platform does not stream.
 *
 * The request's signal aborts some seconds before the function's time is over. An error before the first byte is a 500
 * problem; after it the invocation fails, which ends the answer in a way that a client can tell from its end.
 *
 * @example export const handler = lambdaHost({ app: makeApp(services), log });
 */
export function lambdaHost({ app, log, afterwards, platform = ofRuntime() }: LambdaHostOptions): LambdaHandler {
  if (platform === undefined) {
    return (event, context) =>
      answered(event, context, async (http, answer) => {
        const whole = await wholeAnswer(http, answer);
        await afterwards?.();
        return whole;
      });
  }
  return platform.streamifyResponse((event, stream, context) =>
    answered(event, context, async (http, answer, deadline) => {
      const out = platform.HttpResponseStream.from(stream, preludeOf(http, answer));
      // A stream that breaks has no reader left; nobody should go on computing for one.
      out.on('error', (error: Error) => deadline.abort(error));
      await pour(answer, out);
      await afterwards?.();
    }),
  );

  function answered<T>(
    event: unknown,
    context: LambdaContext,
    give: (http: HttpEvent, answer: Response, deadline: AbortController) => Promise<T>,
  ): Promise<T> {
    return withDeadline(context, { margin_ms, reason: outOfTime }, (deadline) => {
      const http = readHttpEvent(event);
      const facts = { invocation_id: context.awsRequestId, gateway_request_id: http.gateway_request_id };
      return log.within(facts, async () => give(http, await ask(http, deadline.signal), deadline));
    });
  }

  /** Never throws: the application answers its own errors, so what comes out of it is a bug of ours. */
  async function ask(http: HttpEvent, signal: AbortSignal): Promise<Response> {
    let request: Request;
    try {
      request = http.toRequest(signal);
    } catch {
      return problem(400, 'invalid_request', 'this is not an HTTP request that can be read');
    }
    try {
      // The edge limits strangers by the address of their socket, as Node's own server has it.
      return await app.fetch(request, { incoming: { socket: { remoteAddress: http.source_ip } } });
    } catch (error) {
      log.error({ err: error }, 'the application threw');
      return problem(500, 'internal', 'an error of ours ended this request');
    }
  }
}

const margin_ms = 5_000;

/** The AWS SDK puts an `awslambda` of its own where there is none, so its presence alone says nothing. */
function ofRuntime(): StreamingPlatform | undefined {
  const { awslambda } = globalThis as { awslambda?: Partial<StreamingPlatform> };
  return typeof awslambda?.streamifyResponse === 'function' ? (awslambda as StreamingPlatform) : undefined;
}

function outOfTime(): SignetError {
  return new SignetError({
    code: 'capability_unavailable',
    reason: 'function.out_of_time',
    detail: 'the time of this function is over: ask again, or for less at once',
  });
}

function problem(status: number, code: 'internal' | 'invalid_request', detail: string): Response {
  return new Response(JSON.stringify({ type: `urn:signet:problem:${code}`, status, code, detail }), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  });
}

type Head = Omit<WholeAnswer, 'body' | 'isBase64Encoded'>;

function preludeOf({ form, prefix }: HttpEvent, { status, headers }: Response): Head {
  const cookies = headers.getSetCookie();
  const others = [...headers]
    .filter(([name]) => !unsaid.has(name) && !hop_by_hop.has(name))
    .map(([name, value]): [string, string] => [name, isOwnPlace(name, value) ? `${prefix}${value}` : value]);
  if (form === 'url') {
    return { statusCode: status, headers: Object.fromEntries(others), ...(cookies.length > 0 ? { cookies } : {}) };
  }
  const all: [string, string[]][] = others.map(([name, value]) => [name, [value]]);
  if (cookies.length > 0) all.push(['set-cookie', cookies]);
  return { statusCode: status, multiValueHeaders: Object.fromEntries(all) };
}

/** The application knows its paths without the stage; a client follows them from outside of it. */
function isOwnPlace(name: string, value: string): boolean {
  return name === 'location' && /^\/(?!\/)/.test(value);
}

/** Cookies have a place of their own; the length is the gateway's to count, for it may encode what it sends. */
const unsaid = new Set(['set-cookie', 'content-length']);

async function wholeAnswer(http: HttpEvent, answer: Response): Promise<WholeAnswer> {
  const head = preludeOf(http, answer);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const is_text = isText(answer.headers);
  return { ...head, body: bytes.toString(is_text ? 'utf8' : 'base64'), isBase64Encoded: !is_text };
}

function isText(headers: Headers): boolean {
  if (headers.has('content-encoding')) return false;
  const type = headers.get('content-type');
  return type === null || /^text\/|^application\/([a-z0-9.-]+\+)?(json|xml|yaml|javascript)\b/i.test(type);
}

/** Every chunk goes out as it comes; the next is asked for when the platform has taken this one. */
async function pour(answer: Response, out: ResponseStream): Promise<void> {
  // The platform sends the prelude with the first write and never without one, so an answer without a body has one too.
  let open = out.write('');
  const reader = answer.body?.getReader();
  if (reader !== undefined) {
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) {
        if (!open) await drained(out);
        open = out.write(next.value);
      }
    } catch (error) {
      await reader.cancel(error).catch(() => undefined);
      throw error;
    }
  }
  out.end();
}

/** Resolves also when the stream broke: the next write says so. */
function drained(out: ResponseStream): Promise<void> {
  return new Promise((resolve) => {
    const ends = ['drain', 'error', 'close'];
    const end = (): void => {
      for (const name of ends) out.off(name, end);
      resolve();
    };
    for (const name of ends) out.on(name, end);
  });
}
