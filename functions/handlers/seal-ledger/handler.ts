import { setTimeout as sleepFor } from 'node:timers/promises';
import { LedgerHaltedError } from '../../domain/ledger/ledger-halted.ts';
import type { Sealer } from '../../domain/ledger/make-sealer.ts';
import type { BatchAnswer } from '../../hosts/lift-batch.ts';
import { readBatch } from '../../hosts/lift-batch.ts';
import type { LambdaLog } from '../../hosts/lambda-log.ts';
import type { LambdaContext } from '../../hosts/with-deadline.ts';
import { withDeadline } from '../../hosts/with-deadline.ts';

export interface SealLedgerParts {
  /** The sealer by the node document of now; undefined while that lists no key of a log. */
  readonly openSealer: () => Promise<Sealer | undefined>;
  /** Called behind rounds that made the log grow. */
  readonly askWitnesses?: () => Promise<void>;
  readonly log: LambdaLog;
  /** Before a round that failed is done again. */
  readonly repeat_ms?: number;
}

/** A round of 1,000 entries that has begun may end. */
const margin_ms = 20_000;

/**
 * Seals until nothing waits or the function's time is over. What a message says is no matter: it only wakes. Storage that
 * fails is tried again while there is time, and then left: the next wake-up goes on, and the minute's sweep sends one, and
 * tells a person in the end. A log that is halted is thrown each time it is looked at, so that the alarm rings.
 */
export function sealLedger({
  openSealer,
  askWitnesses = async () => undefined,
  log,
  repeat_ms = 1000,
}: SealLedgerParts): (event: unknown, context: LambdaContext) => Promise<BatchAnswer> {
  return async (event, context) => {
    readBatch(event);
    return log.within({ invocation_id: context.awsRequestId }, () =>
      withDeadline(
        context,
        { margin_ms, reason: () => new Error('the sealer has no time left') },
        async ({ signal }) => {
          let entries = 0;
          for (;;) {
            const round = await attempt();
            if (round === 'failed') {
              if (await isOver(signal)) return answer();
              continue;
            }
            if (round === undefined || round.kind === 'idle') {
              log.info({ entries, is_off: round === undefined }, 'sealed');
              if (entries > 0) await cosign();
              return answer();
            }
            if (round.kind === 'sealed') entries += round.entries;
            if (signal.aborted) {
              log.info({ entries, is_finished: false }, 'sealed, and more waits');
              return answer();
            }
          }
        },
      ),
    );
  };

  async function attempt(): Promise<Awaited<ReturnType<Sealer['seal']>> | undefined | 'failed'> {
    try {
      return await (await openSealer())?.seal();
    } catch (error) {
      if (error instanceof LedgerHaltedError) {
        log.error({ err: error }, 'THE LOG IS HALTED, nothing is sealed');
        throw error;
      }
      log.error({ err: error }, 'entries were not sealed yet');
      return 'failed';
    }
  }

  /** The log does not wait for its witnesses: those that fail are asked when it grows again. */
  async function cosign(): Promise<void> {
    await askWitnesses().catch((error: unknown) => log.error({ err: error }, 'witnesses were not asked'));
  }

  /** False after the pause before another attempt. */
  async function isOver(signal: AbortSignal): Promise<boolean> {
    await sleepFor(repeat_ms, undefined, { signal }).catch(() => undefined);
    return signal.aborted;
  }
}

/** Every message has done its work, which was to wake. */
function answer(): BatchAnswer {
  return { batchItemFailures: [] };
}
