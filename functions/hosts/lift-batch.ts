import { messageOf } from '../adapters/sqs/event-records.ts';
import type { QueueRecord, RecordGraves } from '../adapters/sqs/event-records.ts';
import type { ReceivedMessage } from '../domain/ports/queue.ts';
import type { LambdaContext } from './with-deadline.ts';
import { withDeadline } from './with-deadline.ts';
import type { LambdaLog } from './lambda-log.ts';
import { UnknownEventError } from './read-http-event.ts';

/** `done` takes the message out of its queue; `failed` has it delivered again; `poison` buries it with its reason. */
export type ItemOutcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'poison'; readonly reason: string };

export interface LiftBatchOptions {
  /** `signal` aborts some time before the function ends: what can be put back must be put back then. */
  readonly use: (message: ReceivedMessage, signal: AbortSignal) => Promise<ItemOutcome>;
  readonly letters: RecordGraves;
  readonly log: LambdaLog;
  /** How long before the function's end the items are told to stop. */
  readonly margin_ms: number;
}

export interface BatchAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/**
 * A handler of SQS batches: `use` sees one message after the other, and only the ids of those that failed go back, so
 * that one bad record does not fail ten. A message that is poison is buried at once instead of being delivered until its
 * attempts are used up. Needs `ReportBatchItemFailures`.
 */
export function liftBatch({
  use,
  letters,
  log,
  margin_ms,
}: LiftBatchOptions): (event: unknown, context: LambdaContext) => Promise<BatchAnswer> {
  return (event, context) =>
    log.within({ invocation_id: context.awsRequestId }, () =>
      withDeadline(
        context,
        { margin_ms, reason: () => new Error('the function is about to end') },
        async (deadline) => {
          const failed: { itemIdentifier: string }[] = [];
          for (const record of readBatch(event)) {
            const message = messageOf(record);
            const facts = { message_id: message.id, attempt: message.attempt };
            const is_lifted = await log.within(facts, () => lift(message, deadline.signal));
            if (!is_lifted) failed.push({ itemIdentifier: message.id });
          }
          return { batchItemFailures: failed };
        },
      ),
    );

  /** False for one that has to come back. */
  async function lift(message: ReceivedMessage, signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) {
      log.warn({}, 'a message goes back untouched: there is no time left');
      return false;
    }
    try {
      const outcome = await use(message, signal);
      if (outcome.kind === 'done') return true;
      log.warn({ reason: outcome.reason }, outcome.kind === 'failed' ? 'a message failed' : 'a message is poison');
      if (outcome.kind === 'failed') return false;
      await letters.deadLetter(message, outcome.reason);
      return true;
    } catch (error) {
      log.error({ err: error }, 'a message failed');
      return false;
    }
  }
}

/**
 * The records of a batch of SQS messages.
 * @throws {UnknownEventError}
 */
export function readBatch(event: unknown): readonly QueueRecord[] {
  const { Records: records } = (event ?? {}) as { readonly Records?: unknown };
  if (!Array.isArray(records) || !records.every(isRecord)) throw new UnknownEventError('a batch of SQS messages');
  return records;
}

function isRecord(value: unknown): value is QueueRecord {
  const { messageId, body, attributes, eventSource } = (value ?? {}) as Partial<QueueRecord> & {
    readonly eventSource?: unknown;
  };
  return (
    eventSource === 'aws:sqs' &&
    typeof messageId === 'string' &&
    typeof body === 'string' &&
    /^[1-9]\d*$/.test(attributes?.ApproximateReceiveCount ?? '')
  );
}
