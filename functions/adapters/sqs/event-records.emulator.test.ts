import { ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { emulatorSettings } from '../../../tests/integration/emulator/emulator-clients.ts';
import { failBy } from '../../../tests/integration/emulator/failing-client.ts';
import { newQueue } from '../../../tests/integration/emulator/new-queue.ts';
import type { NewQueue } from '../../../tests/integration/emulator/new-queue.ts';
import { QueueUnavailableError } from '../../domain/ports/queue.ts';
import { messageOf, recordGraves, type QueueRecord } from './event-records.ts';
import { sqsQueue } from './sqs-queue.ts';

describe.each(['standard', 'fifo'] as const)('a record of an SQS queue, %s', (kind) => {
  let client: SQSClient;
  let made: NewQueue;

  beforeEach(async () => {
    client = new SQSClient(emulatorSettings());
    made = await newQueue(client, kind);
  });
  afterEach(async () => {
    await made.remove();
    client.destroy();
  });

  /** What the platform's poller would hand over: its members have other names than the service's. */
  async function poll(): Promise<QueueRecord> {
    const command = new ReceiveMessageCommand({
      QueueUrl: made.url,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: ['All'],
    });
    const { Messages: [message] = [] } = await client.send(command);
    return {
      messageId: message?.MessageId ?? '',
      receiptHandle: message?.ReceiptHandle ?? '',
      body: message?.Body ?? '',
      attributes: message?.Attributes ?? {},
      messageAttributes: Object.fromEntries(
        Object.entries(message?.MessageAttributes ?? {}).map(([name, { DataType = '', StringValue = '' }]) => [
          name,
          { dataType: DataType, stringValue: StringValue },
        ]),
      ),
    };
  }

  test('that is buried is listed with its reason and goes back', async () => {
    const { url, dead_letter_url } = made;
    const queue = sqsQueue({ client, url, dead_letter_url, attempts_max: 3 });
    const body = 'poison \u0000';
    await queue.send([{ body }]);
    const message = messageOf(await poll());
    expect(message).toMatchObject({ body, attempt: 1 });

    await recordGraves({ client, dead_letter_url, now: () => 1234 }).deadLetter(message, 'not_a_job');
    const { letters } = await queue.deadLetters({ limit: 10 });
    expect(letters).toMatchObject([{ body, reason: 'not_a_job', attempts: 1, dead_at: 1234 }]);
    await queue.redrive(letters.map(({ id }) => id));
    const signal = new AbortController().signal;
    const [again] = await queue.receive({ max: 1, visibility_ms: 1000, wait_ms: 2000, signal });
    expect(again).toMatchObject({ body });
  });

  test('is not lost when the dead letters do not answer', async () => {
    failBy(client, (command) => (command === 'SendMessageBatchCommand' ? 'throttled' : undefined));
    const graves = recordGraves({
      client,
      dead_letter_url: made.dead_letter_url,
      now: Date.now,
      rules: { deadline_ms: 50 },
    });
    const message = { id: '1', body: 'x', attempt: 1, handle: 'h' };
    await expect(graves.deadLetter(message, 'x')).rejects.toThrow(QueueUnavailableError);
  });
});
