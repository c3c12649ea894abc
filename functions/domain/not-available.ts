import { SignetError } from './errors.ts';
import { CapabilityUnavailableError } from './ports/compute.ts';
import { ObjectsUnavailableError } from './ports/objects.ts';
import { SecretsUnavailableError } from './ports/secrets.ts';
import { TableUnavailableError } from './ports/table.ts';

/**
 * What a port cannot do at the moment (a part that is not built yet, a full disk, a busy file), as the 503 that tells
 * the caller to come back; undefined for any other error, a storage that is broken among them.
 */
export function notAvailable(error: unknown): SignetError | undefined {
  if (error instanceof CapabilityUnavailableError) {
    const { reason, step, ready_in_s } = error.state;
    return new SignetError(
      {
        code: 'capability_unavailable',
        detail: `\`${error.capability}\` is not ready: ${step ?? reason}`,
        ...(ready_in_s === undefined ? {} : { retry_after_s: ready_in_s }),
      },
      { cause: error },
    );
  }
  if ((error instanceof TableUnavailableError || error instanceof ObjectsUnavailableError) && error.retryable) {
    return new SignetError(
      { code: 'capability_unavailable', detail: 'the storage is busy or full', retry_after_s: 1 },
      { cause: error },
    );
  }
  if (error instanceof SecretsUnavailableError && error.retryable) {
    return new SignetError(
      { code: 'capability_unavailable', detail: 'the store of the secrets does not answer', retry_after_s: 5 },
      { cause: error },
    );
  }
  return undefined;
}
