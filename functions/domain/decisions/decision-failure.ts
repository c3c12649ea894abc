import type { Call } from '../call.ts';
import { isSignetError, SignetError } from '../errors.ts';
import { notAvailable } from '../not-available.ts';

/**
 * What was thrown while a permitted action ran, as the error that the caller can act on. A failure without a
 * code of its own is `client_closed` when the client is gone; what nobody foresaw is `internal` and links its cause.
 */
export function decisionFailure(error: unknown, { signal }: Pick<Call, 'signal'>): SignetError {
  if (isSignetError(error)) return error;
  if (signal.aborted) {
    // Whoever aborts may say why, a deadline for one.
    if (isSignetError(signal.reason)) return signal.reason;
    return new SignetError(
      { code: 'client_closed', detail: 'the client closed the connection before the end' },
      { cause: error },
    );
  }
  return (
    notAvailable(error) ??
    new SignetError({ code: 'internal', detail: 'an error of ours ended this request' }, { cause: error })
  );
}

/**
 * What was judged leaves a receipt; what was never understood does not: a request that does not fit, names what is not
 * there or is too large is counted at the edge. `provider_rejected` was understood here and sent on, so it leaves one.
 */
export function leavesReceipt(error: SignetError): boolean {
  return error.code === 'provider_rejected' || ![400, 404, 413, 415].includes(error.status);
}
