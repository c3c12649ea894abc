import type { Counts } from '../../domain/counts/make-counts.ts';
import { makeApp } from '../../edge/make-app.ts';
import type { Services } from '../../edge/services.ts';
import { lambdaHost } from '../../hosts/lambda-host.ts';
import type { LambdaHandler, StreamingPlatform } from '../../hosts/lambda-host.ts';
import type { LambdaLog } from '../../hosts/lambda-log.ts';

export interface ServeApiParts {
  readonly services: Services;
  readonly counts: Pick<Counts, 'flushDue'>;
  readonly log: LambdaLog;
  /** Default: the runtime's. */
  readonly platform?: StreamingPlatform | undefined;
}

/** The HTTP API. What was turned away is counted, and written behind an answer: an idle function has no timer. */
export function serveApi({ services, counts, log, ...platform }: ServeApiParts): LambdaHandler {
  return lambdaHost({
    app: makeApp(services),
    log,
    ...platform,
    async afterwards() {
      await counts.flushDue().catch((error: unknown) => log.error({ err: error }, 'the counts were not recorded'));
    },
  });
}
