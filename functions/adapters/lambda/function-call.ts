import type { Json, JsonObject } from '../../domain/json.ts';
import type { CallFailure } from '../aws/call-failure.ts';

// Apart from `invoke-function.ts`, so that who is handed an `InvokeFunction` does not load the client behind it.

export interface FunctionCall {
  /** Name or ARN. */
  readonly function_name: string;
  readonly payload: JsonObject;
  /** The function's own timeout: an answer is waited for a little longer than it may work. */
  readonly timeout_ms: number;
  /** `reply` (when absent) waits for the answer; an `event` is only taken, and answered with `null`. */
  readonly kind?: 'reply' | 'event';
  /** For functions with tenant isolation, which refuse a call without it. */
  readonly tenant_id?: string;
  /** Aborted, the call rejects with its reason; what the function does by then goes on. */
  readonly signal?: AbortSignal;
}

/**
 * Calls a function. Our functions compute, or take what they have taken before as that: so a call that was throttled,
 * lost its answer or (once) its process is sent again. Throws `PayloadTooLargeError`, `FunctionUnavailableError`,
 * `FunctionFailedError`.
 */
export type InvokeFunction = (call: FunctionCall) => Promise<Json>;

/**
 * Lambda's quota of a payload, of a call that waits and of an event. Its documentation says 6 MB and 1 MB, its messages
 * 6,291,456 bytes and 1,048,576: the smaller are safe.
 */
export const payload_bytes_max = { reply: 6_000_000, event: 1_000_000 } as const;

/** Refused before it was sent. */
export class PayloadTooLargeError extends Error {
  override readonly name = 'PayloadTooLargeError';
  readonly bytes: number;
  readonly bytes_max: number;

  constructor(facts: { bytes: number; bytes_max: number }) {
    super(`expected a payload of at most ${facts.bytes_max} bytes, got ${facts.bytes}`);
    this.bytes = facts.bytes;
    this.bytes_max = facts.bytes_max;
  }
}

/** The platform did not take the call within the deadline, or no answer came: `failure` says which. */
export class FunctionUnavailableError extends Error {
  override readonly name = 'FunctionUnavailableError';
  readonly function_name: string;
  readonly failure: CallFailure;

  constructor(facts: { function_name: string; failure: CallFailure }, options: { cause: unknown }) {
    super(`the function \`${facts.function_name}\` was not reached: ${facts.failure}`, options);
    this.function_name = facts.function_name;
    this.failure = facts.failure;
  }
}

/** The function itself failed; what it said of that is in the cause, not in the text. */
export class FunctionFailedError extends Error {
  override readonly name = 'FunctionFailedError';
  readonly function_name: string;
  /** Such as `Sandbox.Timedout`; `unknown` where the platform told none. */
  readonly error_type: string;

  constructor(facts: { function_name: string; error_type: string }, options: { cause: unknown }) {
    super(`the function \`${facts.function_name}\` failed: ${facts.error_type}`, options);
    this.function_name = facts.function_name;
    this.error_type = facts.error_type;
  }
}
