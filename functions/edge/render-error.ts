import { errorRecord, isSignetError, SignetError } from '../domain/errors.ts';
import type { JsonObject } from '../domain/json.ts';
import { notAvailable } from '../domain/not-available.ts';
import { CapabilityUnavailableError, ComputeRefusedError } from '../domain/ports/compute.ts';
import { rejectRecord } from '../domain/reject-codes.ts';
import type { Answer } from './answer.ts';
import { StrictJsonError } from './strict-json.ts';

/** How an error is written: OpenAI's envelope on `/v1`, RFC 9457 everywhere else. */
export type ErrorShape = 'openai' | 'problem';

export function shapeOf(path: string): ErrorShape {
  return path === '/v1' || path.startsWith('/v1/') ? 'openai' : 'problem';
}

/** The one place where an error becomes an answer. */
export function renderError(
  error: SignetError,
  { shape, request_id }: { shape: ErrorShape; request_id: string },
): Answer {
  const record = errorRecord(error.code);
  const retry_after_s =
    error.public.retry_after_s ?? (error.code === 'capability_unavailable' ? unknown_wait_s : undefined);
  return {
    kind: 'text',
    status: record.status,
    type: shape === 'openai' ? 'application/json' : 'application/problem+json',
    body: JSON.stringify(shape === 'openai' ? openAiError(error) : problem(error, request_id)),
    headers: {
      ...(error.receipt === undefined ? {} : { 'signet-receipt': error.receipt }),
      ...(retry_after_s === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retry_after_s))) }),
      ...(record.retry || shape === 'problem' ? {} : { 'x-should-retry': 'false' }),
      ...(record.status === 401 ? { 'www-authenticate': 'Bearer realm="signet"' } : {}),
    },
  };
}

/** When nobody knows how long a part will take: often enough for a person who waits, seldom enough for the node. */
const unknown_wait_s = 5;

/** `{error: {message, type, param, code}}`, as the stock SDKs read it; `reason` is ours and they ignore it. */
export function openAiError(error: SignetError): { readonly error: JsonObject } {
  const { code, detail, param, reason } = error.public;
  return {
    error: {
      message: detail,
      type: errorRecord(code).openai_type,
      param: param ?? null,
      code,
      ...(reason === undefined ? {} : { reason }),
    },
  };
}

export function problem(error: SignetError, request_id: string): JsonObject {
  const { code, detail, param, reason } = error.public;
  const record = errorRecord(code);
  const legacy_code = reason === undefined ? undefined : rejectRecord(reason)?.legacy;
  const step = error.cause instanceof CapabilityUnavailableError ? error.cause.state.step : undefined;
  return {
    type: `urn:signet:problem:${code}`,
    title: record.title,
    status: record.status,
    code,
    detail,
    ...(reason === undefined ? {} : { reason }),
    // The number that the older node gave this refusal.
    ...(legacy_code === undefined ? {} : { legacy_code }),
    ...(param === undefined ? {} : { param }),
    ...(step === undefined ? {} : { step }),
    request_id,
    ...(error.receipt === undefined ? {} : { receipt: error.receipt }),
  };
}

/**
 * What was thrown, as what a caller can act on. An error that nobody foresaw is ours: it becomes `internal`, its own
 * text stays in the log.
 */
export function toSignetError(error: unknown, signal?: AbortSignal): SignetError {
  if (isSignetError(error)) return error;
  const known = translate(error);
  if (known !== undefined) return known;
  if (signal?.aborted === true) {
    return new SignetError({ code: 'client_closed', detail: 'the client closed the connection' }, { cause: error });
  }
  return new SignetError({ code: 'internal', detail: 'an error of ours ended this request' }, { cause: error });
}

function translate(error: unknown): SignetError | undefined {
  if (error instanceof StrictJsonError) {
    return new SignetError({ code: 'invalid_json', reason: error.reason, detail: error.message });
  }
  if (error instanceof ComputeRefusedError) {
    const code = error.code === 'input_too_long' ? 'context_length_exceeded' : 'invalid_request';
    return new SignetError({ code, reason: error.code, detail: error.message }, { cause: error });
  }
  return notAvailable(error);
}
