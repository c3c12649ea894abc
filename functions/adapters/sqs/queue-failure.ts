import { QueueUnavailableError } from '../../domain/ports/queue.ts';
import { CallFailedError } from '../aws/repeat-call.ts';

/** Tells a failed call in the port's words. */
export async function explained<T>(operation: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof CallFailedError)) throw cause;
    throw new QueueUnavailableError({ operation, retryable: cause.failure !== 'permanent' }, { cause });
  }
}
