import { isSignetError, SignetError, type ErrorCode } from '../../domain/errors.ts';
import { notAvailable } from '../../domain/not-available.ts';

/** The server answered, with a status that is not 2xx. */
export class RefusedByUpstream extends Error {
  override readonly name = 'RefusedByUpstream';
  readonly status: number;
  readonly text: string;
  readonly retry_after: string | null;

  constructor(facts: { status: number; text: string; retry_after: string | null }) {
    super(`upstream answered ${facts.status}`);
    this.status = facts.status;
    this.text = facts.text;
    this.retry_after = facts.retry_after;
  }
}

export interface UpstreamFailure {
  readonly error: SignetError;
  /** What the server asked for. */
  readonly retry_after_ms?: number;
}

/** Whatever went wrong with a request, as the error that our caller can act on. */
export function mapFailure(thrown: unknown, name: string): UpstreamFailure {
  if (isSignetError(thrown)) {
    return { error: new SignetError({ ...thrown.public, provider: { name } }, { cause: thrown.cause }) };
  }
  if (thrown instanceof RefusedByUpstream) return mapRefusal(thrown, name);
  // Ours, before anything went to the server: the store of its key, for one.
  const ours = notAvailable(thrown);
  if (ours !== undefined) return { error: ours };
  const detail = `\`${name}\` cannot be reached or broke off`;
  return { error: new SignetError({ code: 'provider_error', detail, provider: { name } }, { cause: thrown }) };
}

function mapRefusal(refused: RefusedByUpstream, name: string): UpstreamFailure {
  const { status } = refused;
  const told = readRefusal(refused.text);
  const fail = (code: ErrorCode, detail: string, retry_after_ms?: number): UpstreamFailure => ({
    error: new SignetError({
      code,
      detail,
      provider: { name, status },
      ...(retry_after_ms === undefined ? {} : { retry_after_s: Math.ceil(retry_after_ms / 1000) }),
    }),
    ...(retry_after_ms === undefined ? {} : { retry_after_ms }),
  });
  // A refusal of the key is answered without the server's words: some repeat part of the key in them.
  if (status === 401 || status === 403)
    return fail('provider_auth', `\`${name}\` refused the key that Signet has for it`);
  if (status === 429)
    return fail('provider_rate_limited', `\`${name}\` limits the rate`, retryAfterMs(refused.retry_after));
  if (status === 408) return fail('provider_timeout', `\`${name}\` did not answer in time`);
  if (status >= 500 || status < 400) {
    return fail('provider_error', `\`${name}\` answered ${status}`, retryAfterMs(refused.retry_after));
  }
  if (told.code === 'context_length_exceeded')
    return fail('context_length_exceeded', `\`${name}\` says: ${told.message}`);
  if (status === 404 && told.code === 'model_not_found')
    return fail('model_not_found', `\`${name}\` has no such model`);
  return fail('provider_rejected', `\`${name}\` answered ${status}: ${told.message}`);
}

const message_chars_max = 300;

function readRefusal(text: string): { code: string | undefined; message: string } {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { code: undefined, message: cleanMessage(text) };
  }
  const error = (body as { error?: unknown } | null)?.error ?? body;
  if (typeof error === 'string') return { code: undefined, message: cleanMessage(error) };
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return {
    code: typeof code === 'string' ? code : undefined,
    message: cleanMessage(typeof message === 'string' ? message : ''),
  };
}

/** A stranger's words in our answer: one line, no control characters, nothing that looks like a key. */
export function cleanMessage(text: string): string {
  const clean = text
    .slice(0, 4 * message_chars_max)
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .replace(/\b(?:Bearer\s+\S+|(?:sk|gsk|sg|key|xai|pk)[-_][\w*.-]{6,})/gi, '***')
    .trim();
  if (clean === '') return 'no reason given';
  return clean.length > message_chars_max ? `${clean.slice(0, message_chars_max)}…` : clean;
}

/** Seconds. A date counts as nothing asked: it would need a clock that agrees with the server's. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null || !/^\d{1,6}(\.\d+)?$/.test(header.trim())) return undefined;
  return Number(header) * 1000;
}
