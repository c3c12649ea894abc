import type { Database } from './open-database.ts';

/** Requests that began with an older `now` must not see a row vanish. */
const grace_ms = 60_000;
const rows_per_bite = 200;

/**
 * Removes expired rows now and then, in bites that no request notices. Only for space: reads judge expiry themselves.
 * `stop` resolves when the bite under way is done.
 */
export function sweepInBackground(options: {
  db: Database;
  /** Unix milliseconds. */
  now: () => number;
  /** Default 60,000. */
  every_ms?: number;
  onError: (error: unknown) => void;
}): { stop(): Promise<void> } {
  const { db, now, every_ms = 60_000, onError } = options;
  const stopping = new AbortController();
  let bite = Promise.resolve();

  async function sweep(): Promise<void> {
    try {
      let removed = rows_per_bite;
      while (removed === rows_per_bite && !stopping.signal.aborted)
        removed = await db.sweepExpired(now() - grace_ms, rows_per_bite);
    } catch (error) {
      onError(error);
    }
  }

  const timer = setInterval(() => {
    bite = bite.then(sweep);
  }, every_ms);
  timer.unref();

  return {
    stop() {
      stopping.abort();
      clearInterval(timer);
      return bite;
    },
  };
}
