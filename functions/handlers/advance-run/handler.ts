import type { RecordGraves } from '../../adapters/sqs/event-records.ts';
import type { Jobs } from '../../domain/jobs/jobs.ts';
import { readWakeUp } from '../../domain/jobs/read-wake-up.ts';
import type { SealerWakes } from '../../domain/ledger/wake-sealer.ts';
import { liftBatch } from '../../hosts/lift-batch.ts';
import type { BatchAnswer } from '../../hosts/lift-batch.ts';
import type { LambdaContext } from '../../hosts/with-deadline.ts';
import type { LambdaLog } from '../../hosts/lambda-log.ts';

export interface AdvanceRunParts {
  readonly jobs: Pick<Jobs, 'advance'>;
  /** Where wake-ups go that name no job. */
  readonly letters: RecordGraves;
  /** Wakes the sealer for what the job appended. */
  readonly wakes?: Pick<SealerWakes, 'settled'>;
  readonly log: LambdaLog;
}

/** A job that is told to stop writes its row once more and gives its lease back. */
const margin_ms = 10_000;

/**
 * Wake-ups of the job machine. Whatever a job says of itself (rescheduled, dead, not due, held by another worker), the
 * message has done its work: the table knows when to look again, and the sweep sees to it.
 */
export function advanceRun({
  jobs,
  letters,
  wakes,
  log,
}: AdvanceRunParts): (event: unknown, context: LambdaContext) => Promise<BatchAnswer> {
  return liftBatch({
    letters,
    log,
    margin_ms,
    async use({ body }, signal) {
      const job_id = readWakeUp(body);
      if (job_id === undefined) return { kind: 'poison', reason: 'malformed' };
      const outcome = await jobs.advance(job_id, signal);
      // A function that waits for the next job is frozen.
      await wakes?.settled();
      log.info({ job_id, outcome }, 'job advanced');
      return { kind: 'done' };
    },
  });
}
