import type { Message, SQSClient } from '@aws-sdk/client-sqs';
import type { ReceivedMessage } from '../../domain/ports/queue.ts';
import { usual_rules } from '../aws/repeat-call.ts';
import type { RepeatRules } from '../aws/repeat-call.ts';
import { deadLetters } from './dead-letters.ts';
import { alone_name, fromMessage, noteOf } from './message-text.ts';
import { explained } from './queue-failure.ts';

/** What is read of a record of a Lambda event from SQS; the platform's members have names of their own there. */
export interface QueueRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: { readonly ApproximateReceiveCount?: string; readonly MessageGroupId?: string };
  readonly messageAttributes?: {
    readonly [name: string]: { readonly dataType?: string; readonly stringValue?: string };
  };
}

/**
 * The message that an event source mapping delivered, as `receive` would have given it. Its handle is for the record
 * alone: the mapping deletes what succeeded, and hands out again what is named in `batchItemFailures`.
 */
export function messageOf(record: QueueRecord): ReceivedMessage {
  const { ApproximateReceiveCount, MessageGroupId } = record.attributes;
  const message = { Body: record.body, MessageAttributes: attributesOf(record) };
  const is_grouped = MessageGroupId !== undefined && noteOf(message, alone_name) === undefined;
  return {
    id: record.messageId,
    body: fromMessage(message),
    attempt: Number(ApproximateReceiveCount ?? 1),
    handle: record.receiptHandle,
    ...(is_grouped ? { group: MessageGroupId } : {}),
  };
}

export interface RecordGraves {
  /**
   * Sends the message to the dead letters, with its reason, its attempts and the time, so that `deadLetters` and
   * `redrive` of the queue find it. The record is then done: report it as a success, and the mapping deletes it. A
   * process that dies between the two leaves two letters, not none. Throws `QueueUnavailableError`.
   */
  deadLetter(message: ReceivedMessage, reason: string): Promise<void>;
}

/** Buries what an event source mapping delivered. */
export function recordGraves({
  client,
  dead_letter_url,
  now,
  rules,
}: {
  /** Made with `client_settings`: it must not repeat calls by itself. */
  client: SQSClient;
  dead_letter_url: string;
  /** Unix milliseconds. */
  now: () => number;
  rules?: Partial<RepeatRules>;
}): RecordGraves {
  const graves = deadLetters({ client, url: dead_letter_url, rules: { ...usual_rules, ...rules } });
  return {
    async deadLetter({ id, body, group, attempt }, reason) {
      await explained('deadLetter', () =>
        graves.bury({ message_id: id, body, group, attempts: attempt, reason, dead_at: now() }),
      );
    },
  };
}

function attributesOf({ messageAttributes = {} }: QueueRecord): NonNullable<Message['MessageAttributes']> {
  return Object.fromEntries(
    Object.entries(messageAttributes).map(([name, { dataType, stringValue }]) => [
      name,
      { DataType: dataType, StringValue: stringValue },
    ]),
  );
}
