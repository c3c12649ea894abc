import { CapabilityUnavailableError } from '../../domain/ports/compute.ts';
import type { CapabilityName } from '../../domain/ports/compute.ts';
import { FunctionFailedError, FunctionUnavailableError } from './function-call.ts';

/**
 * A function that is busy, out of reach, or ended by the platform or by a service behind it is a capability that is
 * missing for a while, and the cause goes to the log. Any other error stays what it is: ours.
 */
export async function asCapability<T>(capability: CapabilityName, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const reason = reasonOf(cause);
    if (reason === undefined) throw cause;
    const unavailable = new CapabilityUnavailableError(capability, {
      served_by: 'unavailable',
      reason,
      ready_in_s: retry_after_s,
    });
    throw Object.assign(unavailable, { cause });
  }
}

/** The call has been repeated for five seconds already. */
const retry_after_s = 5;

/** What the public may know; undefined where the error is no matter of time. */
function reasonOf(cause: unknown): string | undefined {
  if (cause instanceof FunctionUnavailableError) {
    if (cause.failure !== 'permanent') return 'its function takes no calls at the moment';
    return absent_names.has(refusalOf(cause)) ? 'its function is not there' : undefined;
  }
  if (!(cause instanceof FunctionFailedError)) return undefined;
  if (cause.error_type === 'KeyServiceUnavailable') return 'the service that holds the key does not answer';
  return ended.test(cause.error_type) ? 'its function was ended in the middle of the call' : undefined;
}

/** A deployment that is not whole: the rest of the node can be used, and somebody is perhaps at it. */
const absent_names = new Set(['ResourceNotFoundException', 'AccessDeniedException']);

/** Lambda's own types of errors (out of time, of memory), and what our functions call a start or a time that failed. */
const ended = /^(Runtime|Sandbox|Extension)\.|^(StartError|OutOfTime)$/;

/** The name of what the platform refused a call with: `FunctionUnavailableError` ← `CallFailedError` ← the client's. */
function refusalOf({ cause }: FunctionUnavailableError): string {
  const inner = cause instanceof Error ? cause.cause : undefined;
  return inner instanceof Error ? inner.name : '';
}
