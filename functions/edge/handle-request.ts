import type { Context } from 'hono';
import type { Call, Principal } from '../domain/call.ts';
import type { CountedKind } from '../domain/counts/make-counts.ts';
import { isSignetError, SignetError } from '../domain/errors.ts';
import { CapabilityUnavailableError } from '../domain/ports/compute.ts';
import type { Scope } from '../domain/scopes.ts';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Answer } from './answer.ts';
import { checkInput } from './check-input.ts';
import type { Endpoint, EndpointInput } from './endpoint.ts';
import { byteStream, slowBody, streamHeaders } from './event-stream.ts';
import { onceOnly } from './idempotency.ts';
import type { Admission } from './rate-limit.ts';
import { tokenBuckets } from './rate-limit.ts';
import type { ReadBody } from './read-body.ts';
import { readBody, readBytes } from './read-body.ts';
import { renderError, shapeOf, toSignetError } from './render-error.ts';
import type { EdgeLimits, Services } from './services.ts';

/** What one path answers: its endpoints by method. */
export type Mounted = ReadonlyMap<string, Endpoint>;

/** A path where nothing is: said to everybody, or (`guarded`) only to a caller who is known. */
export type Target = Mounted | 'nowhere' | 'guarded';

export type HandleRequest = (context: Context, target: Target) => Promise<Response>;

/**
 * The road of every request, in this order: id, authentication, rate, method, scope, body cap, media type, strict JSON,
 * schema, idempotency, the route. What is refused early costs little: nothing of a body is read for a caller who may not.
 */
export function makeHandleRequest(services: Services, edgeLimits: EdgeLimits): HandleRequest {
  const callers = tokenBuckets({ per_s: edgeLimits.rate_per_s, burst: edgeLimits.rate_burst });
  const strangers = tokenBuckets({ per_s: edgeLimits.stranger_per_s, burst: edgeLimits.stranger_burst });
  const visitors = tokenBuckets({ per_s: edgeLimits.visitor_per_s, burst: edgeLimits.visitor_burst });

  return async (context, target) => {
    const request = context.req.raw;
    const request_id = services.newId();
    const shape = shapeOf(context.req.path);
    const headers: Record<string, string> = { 'x-request-id': request_id, 'x-content-type-options': 'nosniff' };
    const correlation = request.headers.get('x-request-id');
    if (correlation !== null && correlationForm.test(correlation)) headers['x-correlation-id'] = correlation;
    const timed = services.durations?.begin(actionOf(endpointOf(target, request.method)));
    try {
      const answer = await answerOf(context, target, { request_id, headers });
      return respond(answer, headers, edgeLimits, request.method === 'HEAD');
    } catch (thrown) {
      const error = toSignetError(thrown, request.signal);
      const kind = countedAs(error);
      if (kind !== undefined) services.counts.note(kind);
      report(services, error, thrown, { request_id, method: request.method, path: context.req.path });
      return respond(renderError(error, { shape, request_id }), headers, edgeLimits, request.method === 'HEAD');
    } finally {
      timed?.();
    }
  };

  async function answerOf(
    context: Context,
    target: Target,
    { request_id, headers }: { request_id: string; headers: Record<string, string> },
  ): Promise<Answer> {
    if (target === 'nowhere') throw nothingHere();
    const mounted: Mounted = target === 'guarded' ? new Map() : target;
    const request = context.req.raw;
    const endpoint = endpointOf(mounted, request.method);
    const bearer = bearerOf(request);
    if (endpoint?.access === 'open' && (endpoint.reveals === undefined || bearer === undefined)) {
      if (endpoint.bytes !== undefined) admitVisitor(context);
      return handle(context, endpoint, strangerCall(request_id, request), '', undefined);
    }

    headers['cache-control'] = 'no-store';
    if (endpoint?.access === 'run-token') {
      // Whether it is the run's token is for the run to say; an API key is not one, whoever holds it.
      if (bearer === undefined || bearer.startsWith('sg_')) throw unauthenticated(context);
      try {
        return await handle(context, endpoint, strangerCall(request_id, request), bearer, undefined);
      } catch (thrown) {
        if (!isSignetError(thrown) || thrown.code !== 'invalid_api_key') throw thrown;
        const counted = unauthenticated(context);
        throw counted.code === 'rate_limit_exceeded' ? counted : thrown;
      }
    }
    const caller = bearer === undefined ? undefined : await services.apiKeys.authenticate(bearer);
    if (caller === undefined) throw unauthenticated(context);
    const { unlimited_rate, ...principal } = caller;
    if (!unlimited_rate) {
      admit(callers.take(principal.id, services.now()), headers);
      const together = services.sharedRate?.take(principal, services.now());
      if (together?.admitted === false) admit({ ...together, remaining: 0 }, headers);
    }

    if (target === 'guarded') throw nothingHere();
    if (endpoint === undefined || (endpoint.streams === true && request.method === 'HEAD')) {
      headers['allow'] = allowed(mounted);
      if (request.method === 'OPTIONS') return { kind: 'empty', status: 204, headers: {} };
      throw new SignetError({ code: 'method_not_allowed', detail: `this route takes ${headers['allow']}` });
    }
    const call = callOf(principal, request_id, request);
    if (endpoint.access !== 'open') await checkScope(call, endpoint);
    return handle(context, endpoint, call, '', principal);
  }

  function unauthenticated(context: Context): SignetError {
    const admission = strangers.take(addressOf(context), services.now());
    if (!admission.admitted) {
      return new SignetError({
        code: 'rate_limit_exceeded',
        reason: 'rate.limited',
        detail: 'too many requests without a valid API key from this address',
        retry_after_s: admission.wait_s,
      });
    }
    return new SignetError({
      code: 'invalid_api_key',
      detail: 'expected `authorization: Bearer sg_…` with a live API key',
    });
  }

  /** A body from nobody costs at least its reading, whatever becomes of it. */
  function admitVisitor(context: Context): void {
    const { admitted, wait_s } = visitors.take(addressOf(context), services.now());
    if (admitted) return;
    throw new SignetError({
      code: 'rate_limit_exceeded',
      reason: 'rate.limited',
      detail: 'too many requests from this address',
      retry_after_s: wait_s,
    });
  }

  /**
   * The scope table is checked here for every route and before the body is read; that is the only check of a plain read.
   * A deciding route is judged by the domain as well, with the facts of its resource, and a refusal here is put to the
   * judge too: `surface.md`'s rule that what was judged leaves a receipt has no exception for a missing scope.
   */
  async function checkScope(call: Call, endpoint: Endpoint): Promise<void> {
    const scope = endpoint.access as Scope;
    if (call.principal.scopes.includes(scope)) return;
    const refusal = new SignetError({ code: 'policy_denied', detail: `this key lacks the scope \`${scope}\`` });
    if (endpoint.decides === undefined) throw refusal;
    const { action, resource } = endpoint.decides;
    try {
      await services.judge.decide(
        call,
        { action, resource: { type: resource, id: '' }, facts: { missing_scope: scope } },
        // Reached only where a policy of the owner permits the action without the scope: the table stands above it.
        () => Promise.reject(refusal),
      );
    } catch (thrown) {
      if (!isSignetError(thrown) || thrown.code !== 'policy_denied') throw thrown;
      // The judge's receipt, and the detail that tells the caller what to ask for.
      if (thrown.receipt !== undefined) refusal.receipt = thrown.receipt;
    }
    throw refusal;
  }

  async function handle(
    context: Context,
    endpoint: Endpoint,
    call: Call,
    bearer: string,
    principal: Principal | undefined,
  ): Promise<Answer> {
    const request = context.req.raw;
    const params = endpoint.params === undefined ? undefined : checkInput(endpoint.params, context.req.param());
    const query = readQuery(context, endpoint);
    const bytes_max = endpoint.bytes === undefined ? undefined : edgeLimits.body_bytes_max[endpoint.bytes];
    const bytes = bytes_max === undefined ? undefined : await readBytes(request, bytes_max);
    const body = await bodyOf(request, endpoint);
    const input: EndpointInput<unknown, unknown, unknown> = {
      services,
      limits: edgeLimits,
      call,
      params,
      query,
      body:
        endpoint.body === undefined ? bytes : checkInput(endpoint.body.schema, body === undefined ? {} : body.value),
      bearer,
      origin: () => new URL(request.url).origin,
      header: (name) => request.headers.get(name) ?? undefined,
      ...socketOf(context),
    };
    const key = endpoint.idempotent === undefined ? null : request.headers.get('idempotency-key');
    if (key === null || principal === undefined) return endpoint.handle(input);
    return onceOnly(endpoint, input, {
      principal,
      key,
      path: context.req.path,
      method: request.method,
      bytes: body?.bytes,
    });
  }

  function bodyOf(request: Request, endpoint: Endpoint): Promise<ReadBody | undefined> {
    if (endpoint.body === undefined) return Promise.resolve(undefined);
    return readBody(request, {
      bytes_max: edgeLimits.body_bytes_max[endpoint.body.class],
      depth_max: endpoint.body.plain_depth_max ?? edgeLimits.json_depth_max,
      is_plain: endpoint.body.plain_depth_max !== undefined,
      optional: endpoint.body.optional === true,
    });
  }
}

function endpointOf(target: Target, method: string): Endpoint | undefined {
  return typeof target === 'string' ? undefined : target.get(method === 'HEAD' ? 'GET' : method);
}

/** As metrics name it: `none` where nothing is decided. */
function actionOf(endpoint: Endpoint | undefined): string {
  return endpoint?.decides?.action ?? 'none';
}

function nothingHere(): SignetError {
  return new SignetError({ code: 'not_found', detail: 'no such route; GET /openapi.json lists them' });
}

const correlationForm = new RegExp(`^[A-Za-z0-9._:/+=-]{1,${limits.request_id_bytes_max}}$`);
const bearerForm = /^bearer +([\x21-\x7e]{1,512})$/i;

function bearerOf(request: Request): string | undefined {
  return bearerForm.exec(request.headers.get('authorization') ?? '')?.[1];
}

/** The peer's address where the host has a socket; other hosts limit strangers before they come here. */
function addressOf(context: Context): string {
  const env = context.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined;
  return env?.incoming?.socket?.remoteAddress ?? 'unknown';
}

/** What the host gives beside a request that wants to become a socket. */
function socketOf(context: Context): Pick<EndpointInput<unknown, unknown, unknown>, 'acceptSocket'> {
  const env = context.env as Pick<EndpointInput<unknown, unknown, unknown>, 'acceptSocket'> | undefined;
  return env?.acceptSocket === undefined ? {} : { acceptSocket: env.acceptSocket };
}

function admit(admission: Admission, headers: Record<string, string>): void {
  headers['x-ratelimit-remaining-requests'] = String(admission.remaining);
  headers['x-ratelimit-reset-requests'] = `${admission.wait_s.toFixed(3)}s`;
  if (admission.admitted) return;
  throw new SignetError({
    code: 'rate_limit_exceeded',
    reason: 'rate.limited',
    detail: 'too many requests for this key',
    retry_after_s: admission.wait_s,
  });
}

function callOf(principal: Principal, request_id: string, request: Request): Call {
  let statements = 0;
  return {
    principal,
    request_id,
    nextStatement: () => statements++,
    depth: 0,
    signal: request.signal,
  };
}

/** Open routes and the run channel act for nobody: no scope, and a tenant that owns nothing. */
function strangerCall(request_id: string, request: Request): Call {
  return callOf({ kind: 'key', id: '-', tenant: '-', scopes: [] }, request_id, request);
}

function allowed(mounted: Mounted): string {
  const methods = [...mounted.keys()];
  const get = mounted.get('GET');
  if (get !== undefined && get.streams !== true) methods.push('HEAD');
  return [...methods, 'OPTIONS'].join(', ');
}

function readQuery(context: Context, endpoint: Endpoint): unknown {
  if (endpoint.query === undefined && !context.req.url.includes('?')) return undefined;
  const query: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, values] of Object.entries(context.req.queries())) {
    const [value, ...more] = values;
    if (value === undefined || more.length > 0) {
      throw new SignetError({
        code: 'invalid_request',
        detail: 'expected each query parameter once',
        param: name.slice(0, 64),
      });
    }
    if (endpoint.query === undefined || !Object.hasOwn(endpoint.query.shape, name)) {
      throw new SignetError({ code: 'invalid_request', detail: 'unknown query parameter', param: name.slice(0, 64) });
    }
    query[name] = value;
  }
  return endpoint.query === undefined ? undefined : checkInput(endpoint.query, { ...query });
}

function respond(answer: Answer, base: Record<string, string>, edgeLimits: EdgeLimits, head: boolean): Response {
  if (answer.kind === 'stream') {
    return new Response(byteStream(answer.events, { beat_ms: edgeLimits.stream_beat_ms }), {
      status: answer.status,
      headers: { ...base, ...streamHeaders, ...answer.headers },
    });
  }
  if (answer.kind === 'slow') {
    return new Response(slowBody(answer.body, { beat_ms: edgeLimits.frame_beat_ms }), {
      status: answer.status,
      headers: { ...base, 'content-type': 'application/json', ...answer.headers },
    });
  }
  if (answer.kind === 'bytes') {
    const headers = { ...base, 'content-type': answer.type, 'content-length': String(answer.bytes.length) };
    const body = head ? null : Buffer.from(answer.bytes);
    return new Response(body, { status: 200, headers: { ...headers, ...answer.headers } });
  }
  if (answer.kind === 'empty')
    return new Response(null, { status: answer.status, headers: { ...base, ...answer.headers } });
  const headers: Record<string, string> = { ...base, 'content-type': answer.type, ...answer.headers };
  if (head) headers['content-length'] = String(Buffer.byteLength(answer.body));
  return new Response(head ? null : answer.body, { status: answer.status, headers });
}

/** What was never understood leaves no receipt and is counted; what has one is in the log already. */
function countedAs(error: SignetError): CountedKind | undefined {
  if (error.receipt !== undefined) return undefined;
  switch (error.status) {
    case 401:
      return 'unauthenticated';
    case 404:
      return 'not_found';
    case 413:
      return 'too_large';
    case 429:
      return error.code === 'rate_limit_exceeded' ? 'rate_limited' : undefined;
    case 400:
    case 405:
    case 415:
      return 'malformed';
    default:
      return undefined;
  }
}

/** Ours is logged with its cause; what a client did wrong, or asked too early, is its own to read. */
function report(
  services: Services,
  error: SignetError,
  thrown: unknown,
  facts: { request_id: string; method: string; path: string },
): void {
  if (error.status < 500 || error.status === 501) return;
  const cause = error.cause ?? (thrown === error ? undefined : thrown);
  // A part that is not ready yet is told to the caller with its step; the operator reads it in the status.
  // One that failed in itself has a cause, and that nobody else tells.
  if (cause instanceof CapabilityUnavailableError && cause.cause === undefined) return;
  services.log[error.code === 'internal' ? 'error' : 'warn']({ ...facts, code: error.code, err: cause }, error.message);
}
