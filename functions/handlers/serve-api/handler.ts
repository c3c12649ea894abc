import type { Counts } from '../../domain/counts/make-counts.ts';
import { makeApp } from '../../edge/make-app.ts';
import type { Services } from '../../edge/services.ts';
import { lambdaHost } from '../../hosts/lambda-host.ts';
import type { LambdaHandler, StreamingPlatform } from '../../hosts/lambda-host.ts';
import type { LambdaLog } from '../../hosts/lambda-log.ts';

export interface ServeApiParts {
  readonly services: Services;
  readonly counts: Pick<Counts, 'flush'>;
  readonly log: LambdaLog;
  /** Default: the runtime's. */
  readonly platform?: StreamingPlatform | undefined;
}

const counts_every_ms = 60_000;

/** The HTTP API. What was turned away is counted here and written about once a minute, behind an answer. */
export function serveApi({ services, counts, log, ...platform }: ServeApiParts): LambdaHandler {
  let flushed_at = services.now();
  return lambdaHost({
    app: makeApp(services),
    log,
    ...platform,
    // An idle function has no timer that would run. One that ends for good takes the counts of its last minute along.
    async afterwards() {
      if (services.now() - flushed_at < counts_every_ms) return;
      flushed_at = services.now();
      await counts.flush().catch((error: unknown) => log.error({ err: error }, 'the counts were not recorded'));
    },
  });
}
