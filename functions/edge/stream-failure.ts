import type { Call } from '../domain/call.ts';
import type { StreamFacts } from './event-stream.ts';
import type { Services } from './services.ts';

/** An error after the first byte reaches the client as an event; what is ours of it reaches the log here. */
export function reportStream({ log }: Services, { request_id, signal }: Call): StreamFacts {
  return {
    request_id,
    signal,
    onError(error, thrown) {
      if (error.status < 500) return;
      const cause = error.cause ?? (thrown === error ? undefined : thrown);
      log[error.code === 'internal' ? 'error' : 'warn']({ request_id, code: error.code, err: cause }, error.message);
    },
  };
}
