import { CapabilityUnavailableError } from '../../domain/ports/compute.ts';
import type { CapabilityName } from '../../domain/ports/compute.ts';
import { FunctionUnavailableError } from './function-call.ts';

/** A function that is busy or out of reach is a capability that is missing for a while; any other error stays what it is. */
export async function asCapability<T>(capability: CapabilityName, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof FunctionUnavailableError) || cause.failure === 'permanent') throw cause;
    const reason = 'its function takes no calls at the moment';
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
