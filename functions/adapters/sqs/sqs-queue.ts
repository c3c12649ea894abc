import { randomUUID } from 'node:crypto';
import { ChangeMessageVisibilityCommand, DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import { checkDelay, checkReceive } from '../../domain/ports/queue-rules.ts';
import type { Queue, ReceivedMessage } from '../../domain/ports/queue.ts';
import { CallFailedError, repeatCall, usual_rules } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { byDeath, deadLetters } from './dead-letters.ts';
import { alone_name, fromMessage, not_before_name, noteOf } from './message-text.ts';
import { explained } from './queue-failure.ts';
import { sendEntries } from './send-entries.ts';
import { entryOf, seconds, sqsSender } from './sqs-sender.ts';

export interface SqsQueueOptions {
  /** Made with `client_settings`: it must not repeat calls by itself. */
  readonly client: SQSClient;
  /** One that ends in `.fifo` keeps the order of groups; another takes no groups. */
  readonly url: string;
  /** Of the same kind. */
  readonly dead_letter_url: string;
  /** Deliveries before a message becomes a dead letter. The queue's own `maxReceiveCount` is larger, for consumers that die. */
  readonly attempts_max: number;
  /** Unix milliseconds. Default: the system's clock. */
  readonly now?: () => number;
  readonly rules?: Partial<RepeatRules>;
}

/** What a handle stands for, while its delivery lasts. */
interface Delivery {
  readonly id: string;
  readonly body: string;
  readonly attempt: number;
  readonly group: string | undefined;
  /** By `rules.clock`; not later than the queue hands the message out again. */
  readonly until: number;
}

/** A request that waits cannot be given up without losing what it brings: this is how long an abort may have to wait. */
const wait_s_max = 1;

/**
 * The Queue port over an SQS queue and its dead-letter queue. SQS lets an old receipt delete a message that was handed
 * out again; so a handle counts only for its visibility time, by this process's clock, and only in the instance that
 * received it. Times are rounded up to whole seconds. A batch is sent whole or the call fails, and then some of it may
 * be in the queue.
 */
export function sqsQueue(options: SqsQueueOptions): Queue {
  const { client, url, attempts_max, now = Date.now } = options;
  const rules = { ...usual_rules, ...options.rules };
  const keeps_order = url.endsWith('.fifo');
  const graves = deadLetters({ client, url: options.dead_letter_url, rules });
  const deliveries = new Map<string, Delivery>();

  async function take(max: number, visibility_s: number, wait_s: number): Promise<ReceivedMessage[]> {
    const taken: ReceivedMessage[] = [];
    // Of an ordered queue one at a time: a larger batch may hold several of one group.
    while (taken.length < max) {
      const began = rules.clock();
      const command = receiveCommand(keeps_order ? 1 : max, visibility_s, taken.length > 0 ? 0 : wait_s);
      const { Messages = [] } = await repeatCall(() => client.send(command), { rules });
      for (const message of Messages) {
        const received = await admit(message, began + visibility_s * 1000);
        if (received !== undefined) taken.push(received);
      }
      if (!keeps_order || Messages.length === 0) break;
    }
    return taken;
  }

  function receiveCommand(max: number, visibility_s: number, wait_s: number) {
    return new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: max,
      VisibilityTimeout: visibility_s,
      WaitTimeSeconds: wait_s,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['ApproximateReceiveCount', 'ApproximateFirstReceiveTimestamp', 'MessageGroupId'],
      // A repetition of the request, whose answer was lost, gets the same messages.
      ...(keeps_order ? { ReceiveRequestAttemptId: randomUUID() } : {}),
    });
  }

  /** Undefined for a message that is not yet due, and for one whose deliveries are used up. */
  async function admit(message: Message, until: number): Promise<ReceivedMessage | undefined> {
    const { MessageId: id = '', ReceiptHandle: handle = '', Attributes = {} } = message;
    const not_before = Number(noteOf(message, not_before_name) ?? 0);
    if (not_before > now()) {
      await changeVisibility(handle, not_before - now());
      return undefined;
    }
    // Being sent away until it was due was no delivery.
    const was_early = Number(Attributes.ApproximateFirstReceiveTimestamp ?? 0) < not_before;
    const attempt = Number(Attributes.ApproximateReceiveCount ?? 1) - (was_early ? 1 : 0);
    const is_grouped = keeps_order && noteOf(message, alone_name) === undefined;
    const group = is_grouped ? Attributes.MessageGroupId : undefined;
    const body = fromMessage(message);
    if (attempt > attempts_max) {
      const attempts = attempt - 1;
      await graves.bury({ message_id: id, body, group, attempts, reason: 'attempts_exhausted', dead_at: now() });
      await remove(handle);
      return undefined;
    }
    deliveries.set(handle, { id, body, attempt, group, until });
    return { id, body, attempt, handle, ...(group === undefined ? {} : { group }) };
  }

  /** Ends a delivery: whoever comes second with its handle has none. */
  function claim(handle: string): Delivery | undefined {
    const delivery = deliveries.get(handle);
    deliveries.delete(handle);
    return delivery !== undefined && delivery.until > rules.clock() ? delivery : undefined;
  }

  function forgetOld(): void {
    for (const [handle, { until }] of deliveries) if (until <= rules.clock()) deliveries.delete(handle);
  }

  const remove = (handle: string) =>
    isThere(
      repeatCall(() => client.send(new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: handle })), { rules }),
    );

  const changeVisibility = (handle: string, delay_ms: number) =>
    isThere(
      repeatCall(
        () =>
          client.send(
            new ChangeMessageVisibilityCommand({
              QueueUrl: url,
              ReceiptHandle: handle,
              VisibilityTimeout: seconds(delay_ms),
            }),
          ),
        { rules },
      ),
    );

  return {
    ...sqsSender({ client, url, now, rules }),

    async receive({ max, visibility_ms, wait_ms, signal }) {
      checkReceive({ max, visibility_ms, wait_ms });
      forgetOld();
      const end = rules.clock() + wait_ms;
      for (;;) {
        if (signal.aborted) return [];
        const wait_s = Math.min(wait_s_max, seconds(Math.max(0, end - rules.clock())));
        const messages = await explained('receive', () => take(max, seconds(visibility_ms), wait_s));
        if (signal.aborted) {
          await Promise.all(messages.map(({ handle }) => this.release(handle, 0)));
          return [];
        }
        if (messages.length > 0 || rules.clock() >= end) return messages;
      }
    },

    async complete(handle) {
      if (claim(handle) === undefined) return 'stale';
      return (await explained('complete', () => remove(handle))) ? 'completed' : 'stale';
    },

    async release(handle, delay_ms) {
      checkDelay(delay_ms);
      if (claim(handle) === undefined) return 'stale';
      return (await explained('release', () => changeVisibility(handle, delay_ms))) ? 'released' : 'stale';
    },

    async deadLetter(handle, reason) {
      const delivery = claim(handle);
      if (delivery === undefined) return 'stale';
      const { id, body, group, attempt } = delivery;
      await explained('deadLetter', async () => {
        // Buried first: a crash in between leaves two, not none.
        await graves.bury({ message_id: id, body, group, attempts: attempt, reason, dead_at: now() });
        await remove(handle);
      });
      return 'dead';
    },

    async deadLetters({ cursor, limit }) {
      if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
        throw new TypeError(`expected \`limit\` from 1 to 1000, got ${limit}`);
      }
      const after = cursor === undefined ? undefined : readPlace(cursor);
      return explained('deadLetters', () =>
        graves.look(async (taken) => {
          const rest = taken.filter((letter) => after === undefined || byDeath(letter, after) > 0);
          const letters = rest
            .slice(0, limit)
            .map(({ id, body, attempts, reason, dead_at }) => ({ id, body, attempts, reason, dead_at }));
          const last = letters.at(-1);
          return rest.length > limit && last !== undefined ? { letters, cursor: placeOf(last) } : { letters };
        }),
      );
    },

    async redrive(ids) {
      if (ids.length === 0) return 0;
      const wanted = new Set(ids);
      return explained('redrive', () =>
        graves.look(async (taken) => {
          const chosen = taken.filter(({ id }) => wanted.has(id));
          for (const letter of chosen) {
            const { body, group, id } = letter;
            const message = { body, ...(group === undefined ? {} : { group }) };
            const entry = entryOf(message, { keeps_order, now: now() });
            // The letter's id: doing this again after a crash puts nothing back twice, where the queue keeps order.
            const once = keeps_order ? { MessageDeduplicationId: id } : {};
            await sendEntries(client, { url, entries: [{ ...entry, ...once }], rules });
            await graves.remove(letter);
          }
          return chosen.length;
        }),
      );
    },
  };
}

function placeOf({ dead_at, id }: { dead_at: number; id: string }): string {
  return Buffer.from(`letter.${dead_at}.${id}`).toString('base64url');
}

function readPlace(cursor: string): { dead_at: number; id: string } {
  const [, dead_at, id] = /^letter\.(\d{1,15})\.(.+)$/.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  if (dead_at === undefined || id === undefined) throw new TypeError('the cursor is not of this listing');
  return { dead_at: Number(dead_at), id };
}

const gone = new Set(['ReceiptHandleIsInvalid', 'MessageNotInflight', 'InvalidParameterValue']);

/** False when the delivery is over as far as the queue knows. */
async function isThere(answer: Promise<unknown>): Promise<boolean> {
  try {
    await answer;
    return true;
  } catch (error) {
    const name = error instanceof CallFailedError && error.cause instanceof Error ? error.cause.name : '';
    if (!(error instanceof CallFailedError) || !gone.has(name.replace(/^.*\./, ''))) throw error;
    // A second attempt that meets the work of the first has done it.
    return error.was_unheard;
  }
}
