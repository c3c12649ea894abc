/**
 * What a failed call of an AWS client says about the call: `busy` was not carried out and may be repeated as it is;
 * `unknown` may have been carried out; `permanent` was refused and will be again.
 */
export type CallFailure = 'busy' | 'unknown' | 'permanent';

const busy_names = new Set([
  'BandwidthLimitExceeded',
  'ConditionalRequestConflict',
  'OperationAborted',
  'OverLimit',
  'PriorRequestNotComplete',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'RequestThrottled',
  'RequestThrottledException',
  // Lambda, of a function that is being made or changed.
  'ResourceConflictException',
  'ResourceNotReadyException',
  'SlowDown',
  'SnapStartNotReadyException',
  'ThrottledException',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
  'TransactionConflictException',
  'TransactionInProgressException',
]);
const never_sent_codes = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);
const lost_codes = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ECONNABORTED', 'ERR_STREAM_PREMATURE_CLOSE']);
const lost_names = new Set(['TimeoutError', 'RequestTimeout', 'RequestTimeoutException', 'NetworkingError']);

/** Another writer came between; a new attempt sees what it left. */
export class OvertakenError extends Error {
  override readonly name = 'OvertakenError';
}

/** A write whose answer was lost, and whose place another writer has changed meanwhile: doing it again could do it twice. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
}

/** Some entries of a batch were not looked at. */
export class UnprocessedError extends Error {
  override readonly name = 'UnprocessedError';
}

/** A process that ended in the middle of its work: how far it came is not known. */
export class LostProcessError extends Error {
  override readonly name = 'LostProcessError';
}

export function failureOf(cause: unknown): CallFailure {
  if (cause instanceof OvertakenError || cause instanceof UnprocessedError) return 'busy';
  if (cause instanceof LostProcessError) return 'unknown';
  const { name = '', code = '', status } = factsOf(cause);
  if (busy_names.has(name) || status === 429) return 'busy';
  if (never_sent_codes.has(code)) return 'busy';
  if (lost_names.has(name) || lost_codes.has(code) || (status !== undefined && status >= 500)) return 'unknown';
  return 'permanent';
}

function factsOf(cause: unknown): { name?: string; code?: string; status?: number | undefined } {
  if (!(cause instanceof Error)) return {};
  const { code, $metadata } = cause as { code?: unknown; $metadata?: { httpStatusCode?: number } };
  return { name: cause.name, code: typeof code === 'string' ? code : '', status: $metadata?.httpStatusCode };
}
