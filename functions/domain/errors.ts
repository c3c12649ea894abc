import registry from '@signet/shared/records/errors.json' with { type: 'json' };

/** One of the codes of `shared/records/errors.json`; a test holds this type and that file together. */
export type ErrorCode =
  | 'invalid_json'
  | 'invalid_request'
  | 'unsupported_parameter'
  | 'context_length_exceeded'
  | 'provider_rejected'
  | 'invalid_api_key'
  | 'policy_denied'
  | 'gate_refused'
  | 'not_found'
  | 'model_not_found'
  | 'tool_not_found'
  | 'script_not_found'
  | 'run_not_found'
  | 'collection_not_found'
  | 'vector_not_found'
  | 'receipt_not_found'
  | 'api_key_not_found'
  | 'identity_not_found'
  | 'constitution_not_found'
  | 'log_not_found'
  | 'signature_refused'
  | 'identity_exists'
  | 'digest_mismatch'
  | 'log_conflict'
  | 'proof_refused'
  | 'evidence_missing'
  | 'method_not_allowed'
  | 'upgrade_required'
  | 'collection_exists'
  | 'collection_full'
  | 'no_stored_rows'
  | 'model_mismatch'
  | 'tool_exists'
  | 'idempotency_in_progress'
  | 'continuation_expired'
  | 'replay'
  | 'run_over'
  | 'too_large'
  | 'unsupported_media_type'
  | 'idempotency_mismatch'
  | 'rate_limit_exceeded'
  | 'queue_full'
  | 'compaction_backlog'
  | 'write_conflict'
  | 'insufficient_quota'
  | 'provider_rate_limited'
  | 'client_closed'
  | 'internal'
  | 'not_built'
  | 'provider_auth'
  | 'provider_error'
  | 'provider_malformed'
  | 'output_invalid'
  | 'capability_unavailable'
  | 'model_not_installed'
  | 'gate_unavailable'
  | 'no_provider'
  | 'provider_timeout'
  | 'gate_deadline'
  | 'run_timeout'
  | 'tool_timeout';

/** What the caller may see. `detail` says what was expected and what came; it never quotes secrets or internals. */
export interface PublicFacts {
  readonly code: ErrorCode;
  /** Lower case, no full stop. */
  readonly detail: string;
  /** A finer, dotted or snake_case name under the code, such as `json.duplicate_key` or `dimension_mismatch`. */
  readonly reason?: string;
  /** The field at fault, as a path (`messages[0].content`). */
  readonly param?: string;
  readonly retry_after_s?: number;
  /** Where a model's provider failed: its name, and the HTTP status of its answer if it gave one. For scripts. */
  readonly provider?: { readonly name: string; readonly status?: number };
}

const brand = Symbol.for('signet.error');

/**
 * The one error that crosses a layer on purpose: a situation that the caller can act on, by its `code`.
 * Anything else that is thrown is ours and becomes `internal` at the edge.
 *
 * @example throw new SignetError({ code: 'model_not_found', detail: 'no model `gpt-9` here; GET /v1/models lists them' });
 */
export class SignetError extends Error {
  override readonly name = 'SignetError';
  readonly [brand] = true;
  readonly public: PublicFacts;
  /** Id of the receipt that the refusal or failure left, once it is recorded. */
  receipt?: string;

  constructor(facts: PublicFacts, options?: { cause?: unknown }) {
    super(`${facts.code}: ${facts.detail}`, options);
    this.public = facts;
  }

  get code(): ErrorCode {
    return this.public.code;
  }

  get status(): number {
    return statusOf(this.public.code);
  }
}

/** By brand, not `instanceof`: each Lambda bundle has its own copy of the class. */
export function isSignetError(error: unknown): error is SignetError {
  return typeof error === 'object' && error !== null && brand in error;
}

/** The registry's row of a code. */
export function errorRecord(code: ErrorCode): (typeof registry.errors)[number] {
  const record = registry.errors.find((row) => row.code === code);
  if (record === undefined) throw new Error(`code ${code} is not in shared/records/errors.json`);
  return record;
}

function statusOf(code: ErrorCode): number {
  return errorRecord(code).status;
}
