import type { Now } from '../call.ts';

/** What one check found. */
export interface HealthCheck {
  readonly name: string;
  readonly state: 'ok' | 'failed';
  /** How long it took. */
  readonly ms: number;
}

export interface Health {
  /** `unhealthy` where a check failed without which nothing is answered, `degraded` where another one did. */
  readonly status: 'healthy' | 'degraded' | 'unhealthy';
  readonly version: string;
  readonly checks: readonly HealthCheck[];
  /** Unix milliseconds of the oldest check: at most ten seconds ago. */
  readonly checked_at: number;
}

/** Throws, or does not come back in time, where its part does not work. */
export interface Check {
  readonly name: string;
  readonly is_vital: boolean;
  readonly run: () => Promise<unknown>;
}

/**
 * Checks what a node needs. One round serves whoever asks within five seconds: the route is open, and strangers must not
 * make the node busy with itself.
 */
export function makeHealth({
  checks,
  version,
  now,
  wait_ms = 3_000,
}: {
  checks: readonly Check[];
  version: string;
  now: Now;
  wait_ms?: number;
}): () => Promise<Health> {
  let last: Promise<Health> | undefined;
  let last_at = -Infinity;

  async function check(): Promise<Health> {
    const checked_at = now();
    const found = await Promise.all(checks.map((one) => runCheck(one, { now, wait_ms })));
    const hasFailed = (is_vital: boolean): boolean =>
      checks.some((one, index) => one.is_vital === is_vital && found[index]?.state === 'failed');
    const status = hasFailed(true) ? 'unhealthy' : hasFailed(false) ? 'degraded' : 'healthy';
    return { status, version, checks: found, checked_at };
  }

  return () => {
    // Set back, the clock says nothing of how old a round is.
    const age_ms = Math.abs(now() - last_at);
    if (last === undefined || age_ms > kept_ms) {
      last_at = now();
      last = check();
    }
    return last;
  };
}

const kept_ms = 5_000;

async function runCheck({ name, run }: Check, { now, wait_ms }: { now: Now; wait_ms: number }): Promise<HealthCheck> {
  const began = now();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`\`${name}\` did not answer in ${wait_ms} ms`)), wait_ms);
  });
  try {
    await Promise.race([run(), late]);
    return { name, state: 'ok', ms: now() - began };
  } catch {
    // Told to whoever may read it; the error itself comes up where the part is used, with its cause.
    return { name, state: 'failed', ms: now() - began };
  } finally {
    clearTimeout(timer);
  }
}
