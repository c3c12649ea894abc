import type { Jobs } from '../../domain/jobs/jobs.ts';
import type { PendingSweep } from '../../domain/ledger/sweep-pending.ts';
import type { LambdaContext } from '../../hosts/with-deadline.ts';
import { withDeadline } from '../../hosts/with-deadline.ts';
import type { LambdaLog } from '../../hosts/lambda-log.ts';
import { UnknownEventError } from '../../hosts/read-http-event.ts';

export interface SweepDueParts {
  readonly jobs: Pick<Jobs, 'sweepDue'>;
  /** Wakes the sealer where entries wait for too long. */
  readonly sweepPending: () => Promise<PendingSweep>;
  readonly log: LambdaLog;
}

export interface SweepAnswer {
  /** Jobs that were woken: due ones, and those whose worker was lost. */
  readonly woken: number;
  /** False when time ran out with more to do; the next minute goes on. */
  readonly is_finished: boolean;
  /** What was found of the entries that wait for the log. */
  readonly ledger: PendingSweep['kind'];
}

const margin_ms = 5_000;

/**
 * Each minute: wakes what is due, page after page, until nothing is or the function's time is over, and the sealer where
 * entries wait. What goes wrong with the one is thrown when the other is done, so that the platform counts it and the alarm
 * on its errors rings.
 */
export function sweepDue({
  jobs,
  sweepPending,
  log,
}: SweepDueParts): (event: unknown, context: LambdaContext) => Promise<SweepAnswer> {
  return async (event, context) => {
    checkEvent(event);
    return log.within({ invocation_id: context.awsRequestId }, () =>
      withDeadline(
        context,
        { margin_ms, reason: () => new Error('the sweep has no time left') },
        async ({ signal }) => {
          const [swept, pending] = await Promise.allSettled([sweepJobs(jobs, signal), sweepPending()]);
          if (swept.status === 'rejected') throw swept.reason;
          if (pending.status === 'rejected') throw pending.reason;
          const answer = { ...swept.value, ledger: pending.value.kind };
          log.info(answer, 'swept');
          return answer;
        },
      ),
    );
  };
}

async function sweepJobs(
  jobs: Pick<Jobs, 'sweepDue'>,
  signal: AbortSignal,
): Promise<Pick<SweepAnswer, 'woken' | 'is_finished'>> {
  let woken = 0;
  for (;;) {
    const more = await jobs.sweepDue();
    woken += more;
    if (more === 0 || signal.aborted) return { woken, is_finished: more === 0 };
  }
}

/** By a rule or by a scheduler without an input of its own: the two write the same event. */
function checkEvent(event: unknown): void {
  const { 'detail-type': type } = (event ?? {}) as { readonly 'detail-type'?: unknown };
  if (type !== 'Scheduled Event') throw new UnknownEventError('the event of a schedule');
}
