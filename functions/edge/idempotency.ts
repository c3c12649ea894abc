import { createHash } from 'node:crypto';
import limits from '@signet/shared/limits.json' with { type: 'json' };
import type { Principal } from '../domain/call.ts';
import { SignetError } from '../domain/errors.ts';
import type { Begun, StoredAnswer } from '../domain/idempotency/make-idempotency.ts';
import type { Answer, StreamPiece } from './answer.ts';
import type { Endpoint, EndpointInput } from './endpoint.ts';
import { streamHeaders } from './event-stream.ts';
import { renderError, shapeOf, toSignetError } from './render-error.ts';

/**
 * Answers a request that carries `Idempotency-Key`: does it the first time, and gives a repeat what the first one got.
 *
 * @throws {SignetError} 409 `idempotency_in_progress` or `replay`, 422 `idempotency_mismatch`, and what the route throws
 */
export async function onceOnly(
  endpoint: Endpoint,
  input: EndpointInput<unknown, unknown, unknown>,
  request: { principal: Principal; key: string; method: string; path: string; bytes: Uint8Array | undefined },
): Promise<Answer> {
  if (!idempotencyKeyForm.test(request.key)) {
    throw new SignetError({
      code: 'invalid_request',
      detail: `expected 1 to ${limits.idempotency_key_chars_max} visible ASCII characters`,
      param: 'idempotency-key',
    });
  }
  const begun = await input.services.idempotency.begin({
    principal: request.principal,
    key: request.key,
    digest: digestOf(request),
  });
  if (begun.kind === 'stored') return repeated(begun.answer);
  let answer: Answer;
  try {
    answer = await endpoint.handle(input);
  } catch (thrown) {
    // Only what no repeat can change is kept: storing a passing failure would turn it into a lasting one.
    const error = toSignetError(thrown, input.call.signal);
    const rendered = renderError(error, { shape: shapeOf(endpoint.path), request_id: input.call.request_id });
    if (error.status < 500 && error.status !== 429 && error.status !== 499 && rendered.kind === 'text') {
      await begun.finish(stored(rendered), error.receipt);
    } else {
      await begun.abandon();
    }
    throw thrown;
  }
  if (answer.kind === 'stream') return { ...answer, events: recorded(answer, begun) };
  await begun.finish(endpoint.idempotent === 'secret' ? undefined : stored(answer), answer.headers['signet-receipt']);
  return answer;
}

const idempotencyKeyForm = new RegExp(`^[\\x21-\\x7e]{1,${limits.idempotency_key_chars_max}}$`);

/** Two requests are the same when method, path and the bytes of the body are. */
function digestOf({ method, path, bytes }: { method: string; path: string; bytes: Uint8Array | undefined }): string {
  const hash = createHash('sha256').update(`${method} ${path}\n`);
  return (bytes === undefined ? hash : hash.update(bytes)).digest('hex');
}

function repeated({ status, headers, body }: StoredAnswer): Answer {
  const { 'content-type': type, ...rest } = headers;
  const marked = { ...rest, 'idempotent-replayed': 'true' };
  if (type === undefined) return { kind: 'empty', status, headers: marked };
  return { kind: 'text', status, type, body, headers: marked };
}

function stored(answer: Exclude<Answer, { kind: 'stream' }>): StoredAnswer {
  const type = answer.kind === 'text' ? { 'content-type': answer.type } : {};
  return {
    status: answer.status,
    headers: { ...answer.headers, ...type },
    body: answer.kind === 'text' ? answer.body : '',
  };
}

/** Passes a stream on and keeps it for a repeat, up to what is stored anyway; a stream that broke may be tried again. */
async function* recorded(
  answer: Extract<Answer, { kind: 'stream' }>,
  begun: Extract<Begun, { kind: 'fresh' }>,
): AsyncGenerator<StreamPiece, void, void> {
  let text: string | undefined = '';
  let closed = false;
  try {
    for await (const piece of answer.events) {
      if (text !== undefined) text = text.length > limits.idempotency_stored_bytes_max ? undefined : text + piece.text;
      if (piece.ended === 'well') {
        closed = true;
        const whole =
          text === undefined
            ? undefined
            : { status: 200, headers: { ...streamHeaders, ...answer.headers }, body: text };
        await begun.finish(whole, answer.headers['signet-receipt']);
      }
      yield piece;
    }
  } finally {
    if (!closed) await begun.abandon();
  }
}
