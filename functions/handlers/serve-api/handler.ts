import type { Counts } from '../../domain/counts/make-counts.ts';
import type { SealerWakes } from '../../domain/ledger/wake-sealer.ts';
import { makeApp } from '../../edge/make-app.ts';
import type { SharedRate } from '../../domain/rate/shared-rate.ts';
import type { Services } from '../../edge/services.ts';
import { lambdaHost } from '../../hosts/lambda-host.ts';
import type { LambdaHandler, StreamingPlatform } from '../../hosts/lambda-host.ts';
import type { LambdaLog } from '../../hosts/lambda-log.ts';

export interface ServeApiParts {
  readonly services: Services;
  readonly counts: Pick<Counts, 'flushDue'>;
  /** Absent where the rate of a key is this process's alone. */
  readonly rate?: Pick<SharedRate, 'settled'>;
  /** Absent where nobody seals elsewhere. */
  readonly wakes?: Pick<SealerWakes, 'settled'>;
  readonly log: LambdaLog;
  /** Default: the runtime's. */
  readonly platform?: StreamingPlatform | undefined;
}

/**
 * The HTTP API. What was turned away is counted, and written behind an answer, as is what a key has taken of its rate, and
 * the sealer is woken: a function that waits for the next request is frozen.
 */
export function serveApi({ services, counts, rate, wakes, log, ...platform }: ServeApiParts): LambdaHandler {
  return lambdaHost({
    app: makeApp(services),
    log,
    ...platform,
    async afterwards() {
      await rate?.settled();
      await counts.flushDue().catch((error: unknown) => log.error({ err: error }, 'the counts were not recorded'));
      await wakes?.settled();
    },
  });
}
